package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cyborg-bots/cyborg/selftest/world"
	"github.com/cyborg-bots/cyborg/tasks"
)

// lesson lets bots do the tasks of a folder, in a world of their own.
func lesson(ctx context.Context, env *environment, o world.Options, bots int, folder string) error {
	files, err := lessonFiles(folder)
	if err != nil {
		return no(err)
	}
	dir, err := os.MkdirTemp("", "cyborg-demo-")
	if err != nil {
		return infra(fmt.Errorf("make a folder for the demo: %w", err))
	}
	defer os.RemoveAll(dir)
	o.Dir = dir
	w, err := world.New(ctx, o)
	if err != nil {
		return infra(err)
	}
	defer w.Close()
	short, cancel := context.WithTimeout(ctx, demoTime)
	defer cancel()
	story := &world.Lesson{Demo: world.Demo{World: w, Out: env.Stdout, Bots: bots}, Files: files}
	if err := story.Play(short); err != nil && ctx.Err() == nil {
		return no(err)
	}
	return nil
}

// lessonFiles reads the tasks of a folder, as they would lie in bots/. What is wrong with one is the answer.
func lessonFiles(folder string) ([]tasks.File, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var files []tasks.File
	var errs []error
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		f := tasks.File{Path: tasks.Folder + "/" + e.Name(), Mode: info.Mode(), Data: data}
		if info.Mode()&0o111 == 0 && e.Name() != "fleet.toml" {
			continue
		}
		if e.Name() != "fleet.toml" {
			_, err = tasks.ReadTask(f)
			errs = append(errs, err)
		}
		files = append(files, f)
	}
	if len(files) == 0 && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("there is no task in %s: a task is an executable file with a header", folder))
	}
	return files, errors.Join(errs...)
}
