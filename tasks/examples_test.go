package tasks

import (
	"os"
	"path/filepath"
	"testing"
)

// TestExamples: what people are told to copy is well.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("examples/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ReadTask(File{Path: Folder + "/" + filepath.Base(file), Mode: info.Mode(), Data: data}); err != nil {
			t.Error(err)
		}
	}
}
