package publish

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"
	"time"
)

// page is index.html. It has no script at all.
func (l Listing) page() ([]byte, error) {
	files := map[string]string{}
	for _, name := range []string{"index.html", "index.css"} {
		data, err := pageFiles.ReadFile("page/" + name)
		if err != nil {
			return nil, fmt.Errorf("make index: %w", err)
		}
		files[name] = string(data)
	}
	t, err := template.New("index").Funcs(template.FuncMap{"took": took, "icon": icon, "short": short, "word": l.word}).Parse(files["index.html"])
	if err != nil {
		return nil, fmt.Errorf("make index: %w", err)
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{
		"Policy": stylePolicy(files["index.css"]), "Style": template.CSS(files["index.css"]), "Listing": l,
		"What": strings.Replace(l.About, "-", " ", 1),
	})
	if err != nil {
		return nil, fmt.Errorf("make index: %w", err)
	}
	return out.Bytes(), nil
}

// word is the result in words. A bot that died cannot say so; what should have
// ended long ago has.
func (l Listing) word(a Listed) string {
	const late = time.Hour // to begin with, and to publish
	limit := time.Duration(a.Timeout*float64(time.Second)) + late
	switch {
	case a.Description != "":
		return a.Description
	case a.State == StateRunning && a.Timeout > 0 && l.Updated.Sub(a.Started) > limit:
		return "has not ended, its bot is gone"
	}
	return string(a.State)
}

// took is a duration for people.
func took(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case seconds == 0:
		return ""
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", seconds)
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", seconds)
	case d < time.Hour:
		return fmt.Sprintf("%d:%02d min", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d:%02d h", int(d.Hours()), int(d.Minutes())%60)
}

// icon is a state for eyes that do not tell colours apart.
func icon(s State) string {
	switch s {
	case StateSuccess:
		return "✔"
	case StateFailure:
		return "✘"
	case StateRunning:
		return "…"
	case StateSkipped:
		return "–"
	}
	return "!"
}

// short is the part of a commit's name that people use.
func short(sha string) string { return sha[:min(len(sha), 8)] }
