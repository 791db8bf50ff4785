# The Node of package.json's dependency "node": the image runs what the tests ran on.
FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /srv/tenantry
COPY package.json package-lock.json .npmrc ./
# No install script is needed: the only one that is, fetches the Node that this image already has.
RUN npm ci --omit=dev --ignore-scripts

FROM node:24.21.0-bookworm-slim
WORKDIR /srv/tenantry
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000
COPY --from=dependencies /srv/tenantry/node_modules ./node_modules
COPY package.json ./
COPY schema ./schema
COPY src ./src
USER node
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Node itself is the process that gets the signal: npm in between would swallow it.
CMD ["node", "src/main.ts"]
