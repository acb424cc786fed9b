// The Worker's modules as the runtime wants them: its fetch handler and the class of its Durable
// Objects, in front of the WebAssembly in dodb_worker_bg.wasm. Not here: anything about requests.
//
// A panic in Rust ends the whole instance. Whoever waited for it gets an error, the next call makes
// a new instance, and every object in the isolate wakes anew from its rows.

import { DurableObject } from "cloudflare:workers";
import * as dodb from "./dodb_worker.js";
import wasm from "./dodb_worker_bg.wasm";

// `worker`'s own: instanceId counts instances, criticalError says that this one is lost.
let state;
// One function for each call under way, which makes it fail.
const waiting = new Set();

// Instantiated at the first call, not when the script starts: that may take a second of CPU.
function instance() {
  if (state === undefined) {
    dodb.initSync({ module: wasm });
    state = dodb.__worker_init_state();
  } else if (state.criticalError) {
    dodb.__wbg_reset_state();
    state.criticalError = false;
  }
  return state.instanceId;
}

function isLost(error) {
  return error instanceof WebAssembly.RuntimeError || state?.criticalError === true;
}

function onError(error) {
  if (!isLost(error)) return;
  state.criticalError = true;
  for (const fail of waiting) fail(error);
  waiting.clear();
}

// Where Rust runs after an await, nobody catches what it throws.
addEventListener("error", (event) => onError(event.error));
addEventListener("unhandledrejection", (event) => onError(event.reason));

async function call(run) {
  let fail;
  const lost = new Promise((_, reject) => {
    fail = reject;
    waiting.add(fail);
  });
  try {
    return await Promise.race([run(), lost]);
  } catch (error) {
    onError(error);
    throw error;
  } finally {
    waiting.delete(fail);
  }
}

async function respond(run) {
  try {
    return await call(run);
  } catch (error) {
    console.error("dodb:", error?.stack ?? error);
    const message = isLost(error)
      ? "this request met a bug, or another one beside it did; the log of the Worker says more"
      : String(error);
    const headers = { "content-type": "text/plain; charset=UTF-8", "x-dodb-cost": "{}" };
    return new Response(`Code: 49. DB::Exception: ${message}. (LOGICAL_ERROR)\n`, {
      status: 500,
      headers: { ...headers, "x-clickhouse-exception-code": "49" },
    });
  }
}

export default {
  fetch(request, env, context) {
    return respond(() => {
      instance();
      return dodb.fetch(request, env, context);
    });
  },
};

export class Database extends DurableObject {
  #object;
  #instance;

  #inner() {
    const current = instance();
    if (this.#instance !== current) {
      this.#object = new dodb.Database(this.ctx, this.env);
      this.#instance = current;
    }
    return this.#object;
  }

  fetch(request) {
    return respond(() => this.#inner().fetch(request));
  }

  // An alarm that throws is tried again by the runtime.
  alarm() {
    return call(() => this.#inner().alarm());
  }
}
