// The health check of the image: 0 when this process answers `GET /readyz` with 200, else 1 and why.
const port = process.env.FIELDGATE_HTTP_PORT || 8080;
try {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(4_000) });
  console.log(await answer.text()); // docker inspect shows it
  process.exitCode = answer.ok ? 0 : 1;
} catch (error) {
  console.log(`not reachable on port ${port}: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
}
