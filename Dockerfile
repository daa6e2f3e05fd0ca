# The whole installation:  docker run -d --restart=always -e GITHUB_TOKEN -e CYBORG_REPO=owner/name cyborg:slim
#
# Targets: slim (the default of `make image`), and full, which has QEMU and libvirt for jobs in machines.
# `make image` pulls the two images that are named here, or makes the like of them where none can be pulled; see
# container/image/build. Nothing in here needs BuildKit.
ARG DEBIAN=debian:bookworm-slim
ARG GOLANG=golang:1.26-bookworm

# The caches of Go go with the step that fills them: this stage is thrown away, and a gigabyte need not lie about until then.
FROM ${GOLANG} AS program
WORKDIR /src
COPY . .
ARG VERSION=unknown
ARG GOPROXY
RUN GOCACHE=/tmp/build GOMODCACHE=/tmp/modules GOFLAGS=-modcacherw container/image/program "$VERSION" /out && rm -rf /tmp/build /tmp/modules

# What is copied comes from stages in which all of it was given one date, so that two builds are the same to the bit.
FROM ${DEBIAN} AS recipe
COPY container/image/packages /out/usr/share/cyborg/
RUN find /out -exec touch -h -d @0 {} +

FROM ${DEBIAN} AS slim
ARG EPOCH=0
COPY --from=recipe /out /
RUN sh /usr/share/cyborg/packages "$EPOCH" ca-certificates git openssh-client bubblewrap tini
COPY --from=program /out /
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="cyborg" \
      org.opencontainers.image.description="A bot that works for GitHub repositories without a server" \
      org.opencontainers.image.source="https://github.com/cyborg-bots/cyborg" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# The state folder may be a volume; without one a bot clones anew when its container is replaced, and loses nothing else.
ENV HOME=/home/bot CYBORG_STATE=/var/lib/cyborg CYBORG_ALIVE=/tmp/cyborg-alive
USER 1000:1000
WORKDIR /home/bot
# The bot says until when it will have looked again; a bot that waits for GitHub is well.
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m CMD ["cyborg", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--", "cyborg"]
CMD ["run"]

FROM slim AS full
ARG EPOCH=0
USER 0:0
RUN sh /usr/share/cyborg/packages "$EPOCH" qemu-system-x86 qemu-utils libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients
USER 1000:1000
