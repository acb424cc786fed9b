// What the demo compares with: a Durable Object that keeps each record as a row of an ordinary
// SQLite table, and says what SQLite billed. Not here: its SQL, which `dodb demo` sends, the same
// as it runs natively. For the demo only: it runs whatever it is sent.

import { DurableObject } from "cloudflare:workers";

export class Rows extends DurableObject {
  // Runs {sql} once, or once for each of {records}, which are lists of parameters.
  async fetch(request) {
    const { sql, records } = await request.json();
    const answer = { rows: [], rowsRead: 0, rowsWritten: 0 };
    for (const record of records.length > 0 ? records : [[]]) {
      const cursor = this.ctx.storage.sql.exec(sql, ...record);
      for (const row of cursor.raw()) answer.rows.push(row);
      answer.rowsRead += cursor.rowsRead;
      answer.rowsWritten += cursor.rowsWritten;
    }
    return Response.json(answer);
  }
}

export default {
  async fetch(request, env) {
    try {
      return await env.ROWS.getByName("rows").fetch(request);
    } catch (error) {
      return new Response(`${error}\n`, { status: 500 });
    }
  },
};
