/**
 * A web service that does nothing for a stopped device: a hook asks before every
 * route, and the route's one side effect asks again, just before it happens.
 * A refusal is 403, and no answer of the authority's is 503.
 *
 * Needs MACHINEID_BASE_URL and MACHINEID_ORG_KEY.
 */
import assert from "node:assert/strict";
import fastify from "fastify";
import { guardFunction } from "../../src/index.ts";
import {
  AuthorityUnavailableError,
  createGuard,
  denialPayload,
  findExecutionStopped,
  MachineID,
} from "../../src/index.ts";

const DEVICE_ID = "example:plain-code:web:01";
const client = MachineID.fromEnv();
const guard = createGuard(client, { deviceId: DEVICE_ID });

const sent: string[] = [];
const sendMail = guardFunction(
  guard,
  { kind: "side_effect", name: "send_mail" },
  (recipient: string) => {
    sent.push(recipient);
    return { sent: recipient };
  },
);

const app = fastify();
app.addHook("onRequest", async (request) => {
  await guard.check({ kind: "task", name: `${request.method} ${request.url}` });
});
app.setErrorHandler((error, _request, reply) => {
  const stopped = findExecutionStopped(error);
  if (stopped === undefined) return reply.code(500).send({ reason: "failed" });
  const status = AuthorityUnavailableError.isInstance(stopped) ? 503 : 403;
  return reply.code(status).send(denialPayload(stopped));
});
app.post<{ Params: { recipient: string } }>("/mails/:recipient", async ({ params }) => {
  // While this one is being prepared, somebody stops the device.
  if (params.recipient === "grace") await client.revoke(DEVICE_ID);
  return sendMail(params.recipient);
});

const post = (recipient: string) => app.inject({ method: "POST", url: `/mails/${recipient}` });

const first = await post("ada");
assert.equal(first.statusCode, 200);
const second = await post("grace");
assert.equal(second.statusCode, 403);
assert.deepEqual(second.json(), {
  reason: "execution_denied",
  code: "DEVICE_REVOKED",
  retryable: false,
});
assert.equal((await post("barbara")).statusCode, 403);
assert.deepEqual(sent, ["ada"]);

// Each request is a run of its own, so that a restored device serves again.
await client.unrevoke(DEVICE_ID);
assert.equal((await post("barbara")).statusCode, 200);
assert.deepEqual(sent, ["ada", "barbara"]);
process.stdout.write(`mails sent: ${sent.join(", ")}\n`);
await app.close();
await guard.close();
