package engine

import "syscall"

// childAttributes make the kernel end the child if this process is killed, and keep
// the child out of this process's group: after Ctrl-C the engine must still answer
// the requests under way.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
