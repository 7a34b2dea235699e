# One image for every role: docker run fieldgate start [--role …]. docs/containers.md says how it is used.
FROM node:24-bookworm AS build
WORKDIR /fieldgate
COPY package.json package-lock.json .npmrc tsconfig.json ./
COPY packages packages
COPY gateway gateway
COPY processors processors
COPY operator-api operator-api
COPY device-sim device-sim
COPY cli cli
RUN npm ci --include=dev
RUN npx tsc -b cli
RUN npm prune --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production
ENV FIELDGATE_LOG_FORMAT=json
ENV FIELDGATE_HTTP_HOST=0.0.0.0
ENV FIELDGATE_MQTT_HOST=0.0.0.0
ENV FIELDGATE_DATA_DIR=/data
# the embedded log and store, when no Kafka is named; the only place that is written to
RUN install -d -o 1000 -g 1000 -m 0700 /data
WORKDIR /fieldgate
COPY --from=build /fieldgate ./
COPY ops/docker ops/docker
# node; as a number, so that an orchestrator sees that it is not root
USER 1000:1000
VOLUME /data
EXPOSE 1883 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "ops/docker/is-ready.mjs"]
ENTRYPOINT ["node", "--max-semi-space-size=32", "--initial-old-space-size=96", "--enable-source-maps", "cli/dist/fieldgate.js"]
CMD ["start"]
