package clinic

import (
	"errors"
	"sync"
)

// Each calls do with every number below n, at most atOnce side by side, and returns their
// errors. It calls do for all of them, also after one has failed.
func Each(n, atOnce int, do func(i int) error) error {
	errs := make([]error, n)
	free := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i := range n {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			errs[i] = do(i)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
