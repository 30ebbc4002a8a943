# Two stages: Go builds one static program, the image holds it and the root
# certificates and nothing else. Build for a Pi with
#   docker buildx build --platform linux/arm64,linux/arm/v7 -t latchkey .
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS TARGETARCH TARGETVARIANT VERSION=dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# The state folder is made here, because a scratch image has no mkdir: a volume
# that Docker mounts over it takes over its owner.
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH GOARM=${TARGETVARIANT#v} \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/latchkey ./cmd/latchkey \
    && mkdir -p /out/state

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /usr/share/zoneinfo /usr/share/zoneinfo
COPY --from=build /out/latchkey /latchkey
COPY --from=build --chown=65532:65532 /out/state /var/lib/latchkey
USER 65532:65532
VOLUME /var/lib/latchkey
EXPOSE 8087
# Liveness alone: broker or vendor trouble must not restart latchkey.
HEALTHCHECK --interval=30s --timeout=6s --start-period=20s CMD ["/latchkey", "health"]
# A refresh in flight is finished before the stop: give it 30 s
# (docker run --stop-timeout 30, in compose stop_grace_period: 30s).
STOPSIGNAL SIGTERM
# The page must listen on all addresses here: it then makes itself a password on first start.
ENV LATCHKEY_CONTAINER=1
ENTRYPOINT ["/latchkey"]
CMD ["run"]
