package httpapi

// Envelope is the body of every successful answer.
type Envelope[T any] struct {
	Success bool   `json:"success" enum:"true" doc:"Always true."`
	Message string `json:"message" doc:"What was done, for people." example:"done"`
	Data    T      `json:"data"`
}

// ErrorEnvelope is the body of every other answer.
type ErrorEnvelope struct {
	Success bool      `json:"success" enum:"false" doc:"Always false."`
	Message string    `json:"message" doc:"What is wrong, for people." example:"the input breaks a rule"`
	Data    any       `json:"data" doc:"Always null."`
	Body    ErrorBody `json:"error"`
}

// ErrorBody says what is wrong, for programs.
type ErrorBody struct {
	Code      string        `json:"code" doc:"A stable code to branch on." example:"VALIDATION_FAILED"`
	Message   string        `json:"message" doc:"The same sentence as above." example:"the input breaks a rule"`
	Status    int           `json:"status" doc:"The HTTP status." example:"400"`
	Details   []ErrorDetail `json:"details" doc:"Which fields are at fault, where some are."`
	RequestID string        `json:"requestId" doc:"Names this request in the server's logs." example:"01JD9Z3Q5W8X0V6M2K4T7R1B9C"`
}

// ErrorDetail points at one field of the input.
type ErrorDetail struct {
	Field   string `json:"field" doc:"The field, query parameter or header." example:"slug"`
	Code    string `json:"code" doc:"Which rule it breaks." example:"FORMAT_INVALID"`
	Message string `json:"message" doc:"The rule, for people." example:"must be 3 to 48 characters of a-z, 0-9 and -"`
}

// Problem is the body of an error for who accepts application/problem+json:
// RFC 9457, with our members as extensions.
type Problem struct {
	Type      string        `json:"type" doc:"Always about:blank: the code says more." example:"about:blank"`
	Title     string        `json:"title" doc:"The HTTP status in words." example:"Bad Request"`
	Status    int           `json:"status" doc:"The HTTP status." example:"400"`
	Detail    string        `json:"detail" doc:"What is wrong, for people." example:"the input breaks a rule"`
	Code      string        `json:"code" doc:"A stable code to branch on." example:"VALIDATION_FAILED"`
	Details   []ErrorDetail `json:"details" doc:"Which fields are at fault, where some are."`
	RequestID string        `json:"requestId" doc:"Names this request in the server's logs." example:"01JD9Z3Q5W8X0V6M2K4T7R1B9C"`
}
