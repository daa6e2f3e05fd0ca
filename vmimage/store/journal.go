package store

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// A journal remembers which parts of a partial file have arrived: a line "SIZE CHUNK", then a line with each part's
// number. A line is written after its part; what was lost in a crash of the machine shows when the sum is made.
type journal struct {
	file *os.File
	done []bool
}

// openJournal reads what is there and fits a disk of that size; else it begins anew and empties the partial file.
func openJournal(path string, partial *os.File, size, chunk int64) (*journal, error) {
	head := fmt.Sprintf("%d %d\n", size, chunk)
	j := &journal{done: make([]bool, (size+chunk-1)/chunk)}
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	info, err := partial.Stat()
	if err != nil {
		return nil, fmt.Errorf("read partial disk: %w", err)
	}
	how := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	text, fits := strings.CutPrefix(string(data), head)
	if fits && info.Size() == size {
		for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
			if n, err := strconv.Atoi(lines.Text()); err == nil && n >= 0 && n < len(j.done) {
				j.done[n] = true
			}
		}
	} else {
		fits, how = false, how|os.O_TRUNC
		if err := errors.Join(partial.Truncate(0), partial.Truncate(size)); err != nil {
			return nil, fmt.Errorf("empty partial disk: %w", err)
		}
	}
	if j.file, err = os.OpenFile(path, how, 0o600); err != nil {
		return nil, fmt.Errorf("write journal: %w", err)
	}
	// A line that was cut off must not become part of the next one.
	if !fits {
		_, err = j.file.WriteString(head)
	} else if !strings.HasSuffix(text, "\n") && text != "" {
		_, err = j.file.WriteString("\n")
	}
	if err != nil {
		j.file.Close()
		return nil, fmt.Errorf("write journal: %w", err)
	}
	return j, nil
}

// add writes down that a part has arrived. Lines that short are written whole.
func (j *journal) add(n int) error {
	_, err := j.file.WriteString(strconv.Itoa(n) + "\n")
	return err
}

// begun reports whether anything had arrived before.
func (j *journal) begun() bool {
	for _, d := range j.done {
		if d {
			return true
		}
	}
	return false
}
