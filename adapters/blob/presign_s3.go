//go:build cloud

package blob

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	_ "gocloud.dev/blob/s3blob" // The driver of s3.
)

func init() {
	// The driver refuses a content type for a PUT. As a field of the request it
	// becomes a header that is part of the signature, and so does the length.
	presigners["s3"] = &presigner{
		upload: func(as func(any) bool, contentType string, size int64) error {
			var put *s3.PutObjectInput
			if !as(&put) {
				return errRequest
			}
			put.ContentType, put.ContentLength = &contentType, &size
			return nil
		},
		download: func(as func(any) bool, contentType, disposition string) error {
			var get *s3.GetObjectInput
			if !as(&get) {
				return errRequest
			}
			get.ResponseContentType, get.ResponseContentDisposition = &contentType, &disposition
			return nil
		},
	}
}

var errRequest = errors.New("the driver does not give its request")
