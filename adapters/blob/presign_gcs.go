//go:build cloud

package blob

import (
	"net/url"
	"strconv"

	"cloud.google.com/go/storage"
	_ "gocloud.dev/blob/gcsblob" // The driver of gs.
)

func init() {
	presigners["gs"] = &presigner{
		signsType: true,
		upload: func(as func(any) bool, _ string, size int64) error {
			var put *storage.SignedURLOptions
			if !as(&put) {
				return errRequest
			}
			// Only this scheme signs headers that are not Google's own.
			put.Scheme = storage.SigningSchemeV4
			put.Headers = append(put.Headers, "content-length:"+strconv.FormatInt(size, 10))
			return nil
		},
		download: func(as func(any) bool, contentType, disposition string) error {
			var get *storage.SignedURLOptions
			if !as(&get) {
				return errRequest
			}
			get.Scheme = storage.SigningSchemeV4
			get.QueryParameters = url.Values{
				"response-content-type": {contentType}, "response-content-disposition": {disposition},
			}
			return nil
		},
	}
}
