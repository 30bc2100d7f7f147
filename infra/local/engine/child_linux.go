package engine

import "syscall"

// attributes tie the child's life to ours even if we are killed, and keep it
// out of our process group: Ctrl-C is for us, and the engine must still answer
// while the requests under way come to their end.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
