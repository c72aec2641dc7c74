# The server and the tools of its operators, as one static program that runs
# without root and needs nothing else in its image.
#
#   docker build --build-arg VERSION=1.2.3 -t perfectworks:1.2.3 .
#
# There was no Docker daemon where this file was written: the image itself has never
# been built. `make check-deployment` lints the file and runs the commands of its build
# stage. The base images are pinned by tag; pin them by digest once you have pulled and
# checked them.
#
# The image has no Postgres, browser, tesseract or veraPDF: DATABASE_URL must be set,
# and documents are worked on by the embedded engine alone.

FROM golang:1.26.8-bookworm AS build
WORKDIR /src
ENV CGO_ENABLED=0 GOFLAGS=-trimpath
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=development
RUN go build -tags cloud -ldflags "-s -w -X main.version=${VERSION}" -o /out/perfectworks ./cmd/perfectworks
# The folders of the volumes, for the user that the program runs as.
RUN mkdir -p /out/data /out/journal && chmod 0700 /out/data /out/journal

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/perfectworks /usr/local/bin/perfectworks
COPY --from=build --chown=65532:65532 /out/data /var/lib/perfectworks
COPY --from=build --chown=65532:65532 /out/journal /var/lib/perfectworks-journal
COPY THIRD_PARTY_NOTICES.md /usr/share/doc/perfectworks/
USER 65532:65532
ENV PERFECTWORKS_DATA=/var/lib/perfectworks \
    PERFECTWORKS_ADDR=0.0.0.0:8080 \
    PERFECTWORKS_ADMIN_ADDR=127.0.0.1:8081
VOLUME ["/var/lib/perfectworks", "/var/lib/perfectworks-journal"]
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=6s --start-period=10m --retries=3 CMD ["/usr/local/bin/perfectworks", "ready"]
# SIGTERM lets requests and jobs under way end; give it 40 seconds (docker stop --time 40).
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/perfectworks"]
CMD ["serve"]
