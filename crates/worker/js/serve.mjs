// Serves a built Worker on workerd, as `make worker`, the tests and the demo do. Not here: building
// it (scripts/worker.sh).
//
//   node serve.mjs --build DIR [--port 8787] [--persist DIR] [--rows]
//
// Port 0 takes a free one; the lines printed say which. Without --persist everything is gone when
// this ends. DODB_TOKEN, DODB_ATTACH with the tokens that it names, DODB_HOT_ROWS, DODB_HOT_BYTES,
// DODB_HOT_HOURS and DODB_CREATE_DATABASES in the environment are what they are to the deployed
// Worker. --rows also serves the row-per-record object that the demo compares with.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Log, LogLevel, Miniflare } from "miniflare";

const { values } = parseArgs({
  options: {
    build: { type: "string" },
    port: { type: "string", default: "8787" },
    persist: { type: "string" },
    rows: { type: "boolean", default: false },
  },
});
if (values.build === undefined) {
  console.error("serve: say where the Worker is: --build DIR, as scripts/worker.sh printed it");
  process.exit(2);
}

const here = import.meta.dirname;
const config = readFileSync(join(here, "../wrangler.jsonc"), "utf8");
const compatibilityDate = /"compatibility_date":\s*"([^"]+)"/.exec(config)[1];
const folder = values.persist ?? mkdtempSync(join(tmpdir(), "dodb-worker-"));

function worker(name, root, script, bindings) {
  return {
    name,
    compatibilityDate,
    modules: true,
    modulesRoot: root,
    scriptPath: join(root, script),
    modulesRules: [
      { type: "ESModule", include: ["**/*.js", "**/*.mjs"] },
      { type: "CompiledWasm", include: ["**/*.wasm"] },
    ],
    ...bindings,
  };
}

// What a deployed Worker has as secrets and variables.
const places = process.env.DODB_ATTACH ?? "";
const tokens = places.split(",").flatMap((place) => /=(\w+)\s*$/.exec(place)?.[1] ?? []);
const names = [
  "DODB_TOKEN", "DODB_ATTACH", "DODB_HOT_ROWS", "DODB_HOT_BYTES", "DODB_HOT_HOURS",
  "DODB_CREATE_DATABASES", ...tokens,
];
const settings = Object.fromEntries(
  names.filter((name) => process.env[name]).map((name) => [name, process.env[name]]),
);

const workers = [
  worker("dodb", resolve(values.build), "index.mjs", {
    durableObjects: { DATABASES: { className: "Database", useSQLite: true } },
    r2Buckets: { OBJECTS: "objects" },
    bindings: settings,
  }),
];
if (values.rows) {
  workers.push(
    worker("rows", resolve(here, "../../../demo"), "row-per-record.mjs", {
      durableObjects: { ROWS: { className: "Rows", useSQLite: true } },
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    }),
  );
}

const miniflare = new Miniflare({
  host: "127.0.0.1",
  port: Number(values.port),
  // Where requests come from on Cloudflare; asking for a sample of it needs the network.
  cf: false,
  log: new Log(LogLevel.WARN),
  durableObjectsPersist: join(folder, "objects"),
  r2Persist: join(folder, "r2"),
  workers,
});

let stopping = false;
async function stop() {
  if (stopping) return;
  stopping = true;
  await miniflare.dispose();
  if (values.persist === undefined) rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}
process.on("SIGINT", stop);
process.on("SIGTERM", stop);

const url = await miniflare.ready;
console.log(`dodb listens on ${url.origin}`);
if (values.rows) {
  const rows = await miniflare.unsafeGetDirectURL("rows");
  console.log(`row-per-record listens on ${rows.origin}`);
}
