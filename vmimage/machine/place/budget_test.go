package place

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyborg-bots/cyborg/container"
)

func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(Share{Memory: 3 << 30, CPUs: 2})
		one := Share{Memory: 1 << 30, CPUs: 1}
		first, err := b.Take(t.Context(), one)
		if err != nil {
			t.Fatal(err)
		}
		second, err := b.Take(t.Context(), one)
		if err != nil {
			t.Fatal(err)
		}
		if b.Fits(one) {
			t.Error("no memory is free for the hypervisor of a third, yet it fits")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := b.Take(ctx, one); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a third: %v", err)
		}
		got := make(chan func())
		go func() {
			give, err := b.Take(t.Context(), Share{Memory: 2 << 30, CPUs: 64})
			if err != nil {
				t.Error(err)
			}
			got <- give
		}()
		first()
		first() // twice is once
		synctest.Wait()
		select {
		case <-got:
			t.Fatal("a large one began beside the second")
		default:
		}
		second()
		(<-got)()
		if !b.Fits(one) {
			t.Error("all was given back, yet nothing fits")
		}
		// Nobody waits for what never comes: a bot of another machine may have it.
		_, err = b.Take(t.Context(), Share{Memory: 3 << 30})
		lack, ok := errors.AsType[*container.LackError](err)
		if !ok || lack.Name != NoRoom || lack.Error() != "needs 3232 MB of memory for machines: all machines of this bot together may have 3072 MB" {
			t.Errorf("more than all: %v", err)
		}
	})
}
