package fakehub

import (
	"encoding/json"
	"net/http"
)

// documentation is where GitHub sends people for the details of an error.
const documentation = "https://docs.github.com/rest"

// An errorBody is the body of GitHub's error answers.
type errorBody struct {
	Message string `json:"message"`
	Errors  any    `json:"errors,omitempty"`
	URL     string `json:"documentation_url,omitempty"`
	Status  string `json:"status,omitempty"`
	bare    bool   // has no address
}

// A fieldError is an entry of the errors of a 422.
type fieldError struct {
	Resource string `json:"resource"`
	Field    string `json:"field,omitempty"`
	Code     string `json:"code"`
	Message  string `json:"message,omitempty"`
	Value    any    `json:"value,omitempty"`
}

// fail answers an error whose documentation address is the route's, filled in
// by the pipe.
func fail(status int, message string) response {
	return response{status: status, body: &errorBody{Message: message}}
}

// notFound is what GitHub answers for what is not there and for what one may
// not know to be there.
func notFound() response { return fail(http.StatusNotFound, "Not Found") }

// invalid answers 422 Validation Failed with the fields that are.
func (rq *request) invalid(errs ...fieldError) response {
	return response{status: http.StatusUnprocessableEntity, body: &errorBody{Message: "Validation Failed", Errors: errs}}
}

// unprocessable answers 422 with a text of its own.
func unprocessable(message string) response {
	return fail(http.StatusUnprocessableEntity, message)
}

// custom is a field error that explains itself.
func custom(resource, field, message string) fieldError {
	return fieldError{Resource: resource, Field: field, Code: "custom", Message: message}
}

// wrongType says which value has a type that the field cannot have.
func wrongType(err *json.UnmarshalTypeError) fieldError {
	return fieldError{Resource: "Request", Field: err.Field, Code: "invalid"}
}
