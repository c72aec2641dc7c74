// Uses a node as an application does: append, read, subscribe, metadata, delete.
// The address is the only argument; the exit code is zero if all went well.
const assert = require("node:assert/strict");
const {
  ANY,
  BACKWARDS,
  END,
  EventStoreDBClient,
  NO_STREAM,
  START,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
  excludeSystemEvents,
  jsonEvent,
  streamNameFilter,
} = require("@eventstore/db-client");

const client = EventStoreDBClient.connectionString(`esdb://${process.argv[2]}?tls=false`);

const events = (n) => Array.from({ length: n }, (_, i) => jsonEvent({ type: "Happened", data: { n: i }, metadata: { by: "smoke" } }));

const collect = async (iterable) => {
  const all = [];
  for await (const resolved of iterable) all.push(resolved.event);
  return all;
};

// take receives n events of a subscription, then ends it.
const take = async (subscription, n) => {
  const all = [];
  for await (const resolved of subscription) {
    all.push(resolved.event);
    if (all.length === n) break;
  }
  await subscription.unsubscribe();
  return all;
};

const main = async () => {
  // Append. A hundred events go in several messages of BatchAppend.
  const appended = await client.appendToStream("node-a", events(100), { expectedRevision: NO_STREAM, batchAppendSize: 1024 });
  assert.equal(appended.success, true);
  assert.equal(appended.nextExpectedRevision, 99n);
  assert.ok(appended.position.commit > 0n);
  await assert.rejects(client.appendToStream("node-a", events(1), { expectedRevision: NO_STREAM }), WrongExpectedVersionError);
  await assert.rejects(client.appendToStream("node-a", events(1), { expectedRevision: 7n }), WrongExpectedVersionError);
  const patient = EventStoreDBClient.connectionString(`esdb://${process.argv[2]}?tls=false&throwOnAppendFailure=false`);
  const refused = await patient.appendToStream("node-a", events(1), { expectedRevision: 7n });
  assert.equal(refused.success, false);
  const parallel = await Promise.all(
    Array.from({ length: 50 }, (_, i) => client.appendToStream(`node-parallel-${i}`, events(2), { expectedRevision: NO_STREAM })),
  );
  assert.ok(parallel.every((r) => r.nextExpectedRevision === 1n));
  await client.appendToStream("node-a", events(1), { expectedRevision: ANY });

  // Read.
  const forwards = await collect(client.readStream("node-a", { fromRevision: 98n }));
  assert.deepEqual(forwards.map((e) => [e.revision, e.data.n]), [[98n, 98], [99n, 99], [100n, 0]]);
  assert.deepEqual(forwards[0].metadata, { by: "smoke" });
  const last = await collect(client.readStream("node-a", { direction: BACKWARDS, fromRevision: END, maxCount: 1 }));
  assert.equal(last[0].revision, 100n);
  const all = await collect(client.readAll({ fromPosition: START }));
  assert.equal(all.filter((e) => e.streamId.startsWith("node-")).length, 201);
  await assert.rejects(collect(client.readStream("node-none")), StreamNotFoundError);

  // Subscribe: to a stream and to $all with filters, from the start and on into what comes.
  const ofStream = take(client.subscribeToStream("node-a", { fromRevision: START }), 102);
  const ofAll = take(client.subscribeToAll({ fromPosition: START, filter: excludeSystemEvents() }), 202);
  const filtered = take(client.subscribeToAll({ fromPosition: START, filter: streamNameFilter({ prefixes: ["node-parallel-"] }) }), 100);
  await client.appendToStream("node-a", events(1));
  assert.deepEqual((await ofStream).map((e) => e.revision), Array.from({ length: 102 }, (_, i) => BigInt(i)));
  assert.equal((await ofAll).length, 202);
  assert.ok((await filtered).every((e) => e.streamId.startsWith("node-parallel-")));

  // Metadata.
  await client.setStreamMetadata("node-a", { maxCount: 2, custom: "value" });
  const { metadata } = await client.getStreamMetadata("node-a");
  assert.equal(metadata.maxCount, 2);
  assert.equal(metadata.custom, "value");
  assert.deepEqual((await collect(client.readStream("node-a"))).map((e) => e.revision), [100n, 101n]);

  // Delete, write again, and end for ever.
  await client.deleteStream("node-a");
  await assert.rejects(collect(client.readStream("node-a")), StreamNotFoundError);
  const again = await client.appendToStream("node-a", events(1), { expectedRevision: NO_STREAM });
  assert.equal(again.nextExpectedRevision, 102n);
  await client.tombstoneStream("node-a");
  await assert.rejects(collect(client.readStream("node-a")), StreamDeletedError);
  await assert.rejects(client.appendToStream("node-a", events(1)), StreamDeletedError);
};

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
