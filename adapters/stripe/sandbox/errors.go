package sandbox

import (
	"fmt"
	"net/http"
)

// Error is a refusal, in Stripe's form.
type Error struct {
	Status  int    `json:"-"`
	Type    string `json:"type"`
	Code    string `json:"code,omitempty"`
	Param   string `json:"param,omitempty"`
	Message string `json:"message"`
}

// Error implements error.
func (e *Error) Error() string { return "stripe sandbox: " + e.Message }

const invalidRequest = "invalid_request_error"

func missing(id string) *Error {
	return &Error{http.StatusNotFound, invalidRequest, "resource_missing", "id", "No such object: '" + id + "'"}
}

func invalid(param, format string, args ...any) *Error {
	return &Error{http.StatusBadRequest, invalidRequest, "parameter_invalid", param, fmt.Sprintf(format, args...)}
}

func required(param string) *Error {
	return &Error{http.StatusBadRequest, invalidRequest, "parameter_missing", param, "Missing required param: " + param + "."}
}

func state(code, format string, args ...any) *Error {
	return &Error{http.StatusBadRequest, invalidRequest, code, "", fmt.Sprintf(format, args...)}
}
