// The judge of n8n: the HaloPSA node of n8n-nodes-base, unchanged, between a stub of n8n and the emulator.
// Usage: node n8n.cjs FOLDER, where FOLDER holds HaloPSA.node.js. The emulator is named in the environment.
"use strict";
const assert = require("node:assert/strict");
const Module = require("node:module");
const path = require("node:path");

const { HALO_ADDRESS, HALO_TENANT, HALO_CLIENT_ID, HALO_CLIENT_SECRET } = process.env;

// What the node imports of n8n.
class NodeApiError extends Error {
  constructor(_node, cause) {
    super(cause.message);
  }
}
const workflow = { NodeApiError, NodeConnectionTypes: { Main: "main" } };
const load = Module._load;
Module._load = (name, ...rest) => (name === "n8n-workflow" ? workflow : load(name, ...rest));
const { HaloPSA } = require(path.resolve(process.argv[2], "HaloPSA.node.js"));

// n8n's request: the body as JSON or as a form, an error whose text is the status and the body.
async function request({ method, uri, qs = {}, body, form, headers }) {
  const url = new URL(uri);
  for (const [name, value] of Object.entries(qs)) url.searchParams.set(name, String(value));
  const sent = form ? new URLSearchParams(form).toString() : body === undefined ? undefined : JSON.stringify(body);
  const { Connection, ...allowed } = headers;
  const answer = await fetch(url, { method, headers: allowed, body: sent });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status} - ${text}`);
  return text ? JSON.parse(text) : {};
}

const credentials = (secret, hosting) => ({
  hostingType: hosting,
  resourceApiUrl: hosting === "cloud" ? `${HALO_ADDRESS}/api` : HALO_ADDRESS,
  authUrl: `${HALO_ADDRESS}/auth`,
  appUrl: HALO_ADDRESS,
  tenant: HALO_TENANT,
  client_id: HALO_CLIENT_ID,
  client_secret: secret,
  scope: "all",
});

function context(parameters, { secret = HALO_CLIENT_SECRET, hosting = "cloud" } = {}) {
  return {
    getInputData: () => [{ json: {} }],
    getNodeParameter: (name) => parameters[name],
    getCredentials: async () => credentials(secret, hosting),
    getNode: () => ({ name: "HaloPSA" }),
    continueOnFail: () => false,
    logger: { debug() {} },
    helpers: {
      request,
      returnJsonArray: (data) => (Array.isArray(data) ? data : [data]).map((json) => ({ json })),
      constructExecutionMetaData: (items) => items,
    },
  };
}

const node = new HaloPSA();
let failed = 0;

async function attempt(name, operation, expected) {
  try {
    assert.deepEqual(await operation(), expected);
    console.log(`ok      ${name}`);
  } catch (problem) {
    failed += 1;
    console.log(`FAILED  ${name}: ${problem.message.replace(/\s+/g, " ")}`);
  }
}

// Runs the node; what is not asked for in `parameters` is what the form of n8n starts with.
async function execute(resource, operation, parameters = {}, options = {}) {
  const form = { simplify: false, returnAll: true, filters: {}, additionalFields: {}, updateFields: {} };
  const [items] = await node.execute.call(context({ resource, operation, ...form, ...parameters }, options));
  return items.map((item) => item.json);
}

const count = async (...call) => (await execute(...call)).length;
const first = async (field, ...call) => (await execute(...call))[0][field];
const refusal = async (...call) => execute(...call).then(() => "done", (problem) => problem.message);
const offered = async (method) => (await node.methods.loadOptions[method].call(context({})))[0].name;
const test = async (secret) =>
  (await node.methods.credentialTest.haloPSAApiCredentialTest.call(context({}), { data: credentials(secret, "cloud") }))
    .status;

async function judge() {
  await attempt("test credentials", () => test(HALO_CLIENT_SECRET), "OK");
  await attempt("test wrong credentials", () => test("wrong"), "Error");
  await attempt("offer sites", () => offered("getHaloPSASites"), "Adventure Works/Bothell");
  await attempt("offer clients", () => offered("getHaloPSAClients"), "Adventure Works");
  await attempt("offer ticket types", () => offered("getHaloPSATicketsTypes"), "Alert");
  await attempt("offer agents", () => offered("getHaloPSAAgents"), "Aisha Khan");

  await attempt("get all clients", () => count("client", "getAll"), 13);
  await attempt("get inactive clients", () => count("client", "getAll", { filters: { activeStatus: "inactive" } }), 1);
  await attempt("get some clients", () => count("client", "getAll", { returnAll: false, limit: 4 }), 4);
  await attempt("get a client", () => first("name", "client", "get", { clientId: 12 }), "Contoso Ltd.");
  await attempt("get a client on premises", () => first("name", "client", "get", { clientId: 12 }, { hosting: "on-premise" }), "Contoso Ltd.");
  await attempt("create a client", () => first("name", "client", "create", { clientName: "Lucerne" }), "Lucerne");
  await attempt("update a client", () => first("name", "client", "update", { clientId: 91, updateFields: { name: "Lucerne Publishing" } }), "Lucerne Publishing");

  await attempt("create a site", () => first("clientsite_name", "site", "create", { siteName: "Press", clientId: 91 }), "Lucerne Publishing/Press");
  await attempt("get sites", () => count("site", "getAll", { filters: { search: "Lucerne" } }), 2);
  await attempt("get a site", () => first("name", "site", "get", { siteId: 81 }), "Head Office");
  await attempt("update a site", () => first("name", "site", "update", { siteId: 81, updateFields: { name: "HQ" } }), "HQ");

  await attempt("get all users", () => count("user", "getAll"), 73);
  await attempt("get a user", () => first("emailaddress", "user", "get", { userId: 203 }), "dan.jump@contoso.com");
  await attempt("create a user", () => first("name", "user", "create", { userName: "Ann", siteId: 81, additionalFields: { emailaddress: "ann@contoso.com" } }), "Ann");
  await attempt("find a user", () => count("user", "getAll", { filters: { search: "ann@contoso.com" } }), 1);
  await attempt("update a user", () => first("inactive", "user", "update", { userId: 203, updateFields: { inactive: true } }), true);
  await attempt("delete a user", () => first("success", "user", "delete", { userId: 204 }), true);

  const ticket = { ticketType: 1, summary: "Printer", details: "on fire", additionalFields: { agent_id: 33 } };
  await attempt("create a ticket", () => first("id", "ticket", "create", ticket), 1001);
  await attempt("get a ticket", () => execute("ticket", "get", { ticketId: 1001, simplify: true }).then(([{ targetdate, ...rest }]) => [typeof targetdate, rest.id, rest.agent_id, rest.details]), ["string", 1001, 33, "on fire"]);
  await attempt("update a ticket", () => first("summary", "ticket", "update", { ticketId: 1001, updateFields: { summary: "Screen" } }), "Screen");
  for (let made = 0; made < 104; made += 1) await execute("ticket", "create", ticket);
  await attempt("get all tickets, two pages", () => count("ticket", "getAll"), 105);
  await attempt("find tickets", () => count("ticket", "getAll", { filters: { search: "Screen" } }), 1);
  await attempt("delete a ticket", () => first("success", "ticket", "delete", { ticketId: 1001 }), true);
  await attempt("read what is wrong", () => refusal("ticket", "get", { ticketId: "abc" }), "For field ID, The value 'abc' is not valid.");
  await attempt("read what is wrong with a body", () => refusal("ticket", "update", { ticketId: "abc" }), "For field ID, Could not convert string to integer: abc. Path '[0].id', line 1, position 12.");
  await attempt("delete a client", () => first("success", "client", "delete", { clientId: 91 }), true);
  process.exitCode = failed ? 1 : 0;
}

judge();
