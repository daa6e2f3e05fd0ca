package world

import (
	"log/slog"
	"testing"
)

// logTo is a log that is shown if the test fails.
func logTo(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}
