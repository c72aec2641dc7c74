package eventnode

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// guard lets calls with the right credentials pass.
type guard struct {
	// hashes of "name:password", so that all comparisons take the same time.
	hashes [][sha256.Size]byte
}

func newGuard(credentials map[string]string) *guard {
	g := &guard{}
	for name, password := range credentials {
		g.hashes = append(g.hashes, sha256.Sum256([]byte(name+":"+password)))
	}
	return g
}

func (g *guard) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if err := g.check(ctx, info.FullMethod); err != nil {
		return nil, fail(ctx, err)
	}
	return handler(ctx, req)
}

func (g *guard) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if err := g.check(stream.Context(), info.FullMethod); err != nil {
		if info.FullMethod == streams.Streams_Append_FullMethodName {
			drain(stream)
		}
		return fail(stream.Context(), err)
	}
	return handler(srv, stream)
}

// check fails as the server does with anonymous access to streams switched off,
// its default.
func (g *guard) check(ctx context.Context, method string) error {
	if method == serverfeatures.ServerFeatures_GetSupportedMethods_FullMethodName {
		return nil
	}
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) == 0 || values[0] == "" {
		return errAccessDenied
	}
	if !g.knows(values[0]) {
		return status.Error(codes.Unauthenticated, "Unauthenticated")
	}
	return nil
}

func (g *guard) knows(authorization string) bool {
	scheme, encoded, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return false
	}
	pair, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return false
	}
	hash := sha256.Sum256(pair)
	found := 0
	for _, known := range g.hashes {
		found |= subtle.ConstantTimeCompare(hash[:], known[:])
	}
	return found == 1
}
