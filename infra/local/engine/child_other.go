//go:build !linux

package engine

import "syscall"

// childAttributes keep the child out of this process's group. Only Linux can also end
// the child when this process is killed; elsewhere the engine runs on.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
