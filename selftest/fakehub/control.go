package fakehub

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// serveFaults answers GET, PUT and POST /_faults. PUT replaces all faults, POST
// those it names. What is not a fault, and what makes no sense, is a clear 400.
func (s *Server) serveFaults(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		if err := s.changeFaults(r); err != nil {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, err.Error()+"\n")
			return
		}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(append(encode(s.Faults()), '\n'))
}

func (s *Server) changeFaults(r *http.Request) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return errors.New("set faults: the request broke off")
	}
	faults := s.Faults()
	switch r.Method {
	case http.MethodPost:
	case http.MethodPut:
		faults = Faults{}
	default:
		return errors.New("set faults: use POST for some of them or PUT for all")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&faults); err != nil {
		return errors.New("set faults: " + err.Error())
	}
	return s.SetFaults(faults)
}
