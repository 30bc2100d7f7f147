//go:build !linux

package engine

import "syscall"

// attributes keep the child out of our process group. Only Linux can also tie
// its life to ours; elsewhere an engine outlives a killed parent.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
