// The console's page: four views over the JSON of `/api/`. It decides nothing and keeps nothing but the key of this start.
//
// Names, descriptions, arguments, results and answers come from tools and models, which may say anything. So text goes
// into the page by `textContent` and `append` alone, never as markup; what the browser runs is this file.

const TOKEN = "toolgate-token";
const MOST_EVENTS = 2000; // kept here
const MOST_SHOWN = 200; // of them in the list: who wants older ones filters
const ROW = 30; // pixels, as in console.css
const WORDS = { allow: "✓ allow", deny: "– deny", conditional: "≈ conditional", undecided: "? undecided" };

const state = {
  token: "",
  overview: null,
  tools: null,
  matrix: null, // see matrixOf
  shown: { rows: [], columns: [] }, // indices into the matrix that pass the filters
  at: { row: 0, column: 0 }, // the cell that Tab reaches, as an index into `shown`
  picture: "",
  events: [],
  seq: null,
  missed: 0,
  paused: false,
  tool: null, // the one that the Tools view shows
  sessions: [], // {id, agent, turns, title}
  session: null,
  asking: null, // the AbortController of the request that is on
  changes: [], // of What if: {verb, agent, tool}
  opener: null, // gets the focus back when the panel closes
};

// ---- Small things ----

const $ = (id) => document.getElementById(id);

/** An element: `attributes` are set as they are, but for `on` (listeners); children are nodes or text. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

const show = (element, visible) => element.toggleAttribute("hidden", !visible);
const json = (value) => JSON.stringify(value, null, 2);
const shortName = (arn) => (arn === "*" ? "anybody" : arn.split(/[:/]/).pop() || arn);
const clock = (milliseconds) => new Date(milliseconds).toLocaleTimeString([], { hour12: false });
const took = (milliseconds) => (milliseconds === undefined ? "" : `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`);

/** Run `work` at most once a frame, however often it is asked for. */
function oncePerFrame(work) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}

/** Why the source cannot answer a route of the API; empty where it can. */
const unavailable = (route_) => state.overview?.unavailable?.[route_] ?? "";

function tell(message) {
  const close = () => $("error").replaceChildren();
  $("error").replaceChildren(h("span", {}, message), h("button", { type: "button", "aria-label": "Dismiss the error", on: { click: close } }, "✕"));
}

// ---- Asking the server ----

class ServerError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function request(path, body, signal) {
  const options = { headers: { authorization: `Bearer ${state.token}` }, signal };
  if (body !== undefined) {
    options.method = "POST";
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(`/api/${path}`, options);
  if (answer.ok) return answer;
  if (answer.status === 401) lock();
  throw new ServerError(answer.status, await reasonOf(answer));
}

async function reasonOf(answer) {
  try {
    const { error } = await answer.json();
    return (typeof error === "string" ? error : error.message) || `The server answered ${answer.status}.`;
  } catch {
    return `The server answered ${answer.status}.`;
  }
}

const get = async (path) => (await request(path)).json();
const query = (values) => new URLSearchParams(values).toString();

/** The messages of a stream of server-sent events: EventSource cannot send the key. */
async function* messages(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart());
      if (data.length) yield JSON.parse(data.join("\n"));
    }
  }
}

/** Say in place what failed, and go on. */
async function into(element, work) {
  try {
    await work();
  } catch (error) {
    element.replaceChildren(h("p", { class: "unavailable" }, error.message));
  }
}

function lock() {
  sessionStorage.removeItem(TOKEN);
  state.token = "";
  for (const view of document.querySelectorAll(".view")) show(view, false);
  show($("locked"), true);
  $("connection").textContent = "no key";
  $("connection").dataset.state = "off";
}

// ---- Live events ----

async function follow() {
  let pause = 500;
  while (state.token) {
    try {
      const answer = await request(state.seq === null ? "events" : `events?${query({ after: state.seq })}`);
      connected(true);
      pause = 500;
      for await (const event of messages(answer)) take(event);
    } catch (error) {
      if (error.status === 409 || error.status === 401) return connected(error.status === 409 ? null : false);
    }
    connected(false);
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, 5000);
  }
}

function connected(is) {
  $("connection").textContent = is === null ? "not live" : is ? "live" : "reconnecting";
  $("connection").dataset.state = is ? "on" : "off";
}

function take(event) {
  // What comes again after a reconnection is here already.
  if (event.seq !== undefined && state.seq !== null && event.seq <= state.seq) return;
  state.missed += event.missed ?? 0;
  if (event.seq !== undefined) state.seq = event.seq;
  state.events.push(event);
  if (state.events.length > MOST_EVENTS) state.events.splice(0, state.events.length - MOST_EVENTS);
  if (event.kind === "reloaded") reload();
  attend(event);
  if (!state.paused) drawLive();
  drawSteps();
}

/** After a change of the deployment: what is shown is asked for anew, where the reader stands stays. */
async function reload() {
  state.matrix = null;
  state.tools = null;
  forgetPicture();
  await start().catch((error) => tell(error.message));
}

// ---- What an event says ----

const NAMES = { signature: "Signature", token: "Token", cedar: "Cedar policy", interceptor: "Interceptor", gateway: "Gateway" };
const EFFECTS = { allow: "allows", deny: "denies", answer: "answers", undecided: "is not asked" };

function nameOf(decider) {
  if (decider.by !== "iam") return NAMES[decider.by] ?? decider.by;
  const kinds = (decider.statements ?? []).map((statement) => statement.kind);
  return kinds.length && kinds.every((kind) => kind === "resource policy") ? "Resource policy" : "IAM statement";
}

function foundBy(decider) {
  if (decider.statements?.length) return decider.statements.map((it) => `${it.policy} (${it.statement}), ${it.kind}`).join("; ");
  if (decider.policies?.length) return decider.policies.join(", ");
  return decider.reason ?? "";
}

/** What a decider says beside its name and effect: of what, as whom, by which statement, policy or reason. */
function about(decider) {
  const found = foundBy(decider);
  return [
    decider.function && `${decider.function} at the ${decider.point}`,
    decider.action,
    decider.principal && `as ${shortName(decider.principal)}`,
    found,
    decider.reason !== found && decider.reason,
    decider.changed && `changes ${json(decider.changed)}`,
    decider.mode === "LOG_ONLY" && "only logs",
  ].filter(Boolean).join(" · ");
}

/** One line for each thing that decided; one statement may decide about several resources. */
function deciders(decidedBy) {
  const times = new Map();
  for (const decider of decidedBy ?? []) {
    const line = JSON.stringify([nameOf(decider), decider.effect, about(decider)]);
    times.set(line, (times.get(line) ?? 0) + 1);
  }
  return h("ul", { class: "deciders" }, [...times].map(([line, count]) => {
    const [name, effect, text] = JSON.parse(line);
    return h("li", { "data-effect": effect }, h("b", {}, name), " ", h("span", { class: "effect" }, EFFECTS[effect] ?? effect), " ",
      h("span", { class: "by" }, text, count > 1 ? ` (${count} times)` : ""));
  }));
}

function badge(decision) {
  return decision ? h("span", { class: `badge ${decision}` }, decision) : null;
}

/** Why not, what to change, and where that stands. */
function reasonBox(reason, fallback) {
  if (!reason && !fallback) return null;
  const where = reason?.file ? reason.file + (reason.line ? `:${reason.line}` : "") : "";
  return h("div", { class: "reason" },
    h("p", { class: "why" }, reason?.text ?? fallback),
    reason?.change ? h("p", { class: "change" }, reason.change) : null,
    where ? h("p", { class: "place" }, h("code", {}, where)) : null,
    reason?.code ? h("pre", { class: "code", tabindex: "0", "aria-label": `Line in ${where}` }, reason.code) : null);
}

function titleOf(event) {
  if (event.kind === "invocation") return ["Invocation", event.agent ?? ""];
  if (event.kind === "model") return [event.prompt ? "Model reads the prompt" : "Model reads on", event.model ?? ""];
  if (event.kind === "reloaded") return ["Deployment served anew", ""];
  if (event.kind === "note" || event.kind === "missed") return ["Note", event.text ?? ""];
  if (event.method === "tools/call") return ["Tool call", event.tool ?? ""];
  return [{ "tools/list": "Lists tools", initialize: "Opens a session" }[event.method] ?? "Asks the gateway", event.method && event.method !== "tools/list" && event.method !== "initialize" ? event.method : ""];
}

const whoOf = (event) => event.agent ?? (event.principal ? shortName(event.principal) : "nobody");

function block(name, value) {
  const short = JSON.stringify(value);
  const text = typeof value === "string" ? value : short.length <= 60 ? short : json(value);
  return h("div", { class: "block" }, h("span", { class: "block-name" }, name), h("pre", { tabindex: "0", "aria-label": name }, text));
}

/** What of an event is not in its first line; `result` is what a later turn of the model read of a tool call. */
function detailsOf(event, result) {
  const failed = event.status && !["ok", "answered"].includes(event.status) ? event.status : "";
  return [
    event.decision === "denied" ? reasonBox(event.reason, event.why) : null,
    event.arguments_given ? block("arguments", event.arguments_given) : null,
    result ? block(result.status === "error" ? "error, as the model read it" : "result, as the model read it", result.text) : null,
    failed || event.error_type ? block("error", [failed, event.error_type, event.last_words].filter(Boolean).join("\n")) : null,
    event.kind === "model" && event.results?.length ? h("p", { class: "hint" }, `with what ${event.results.map((it) => it.tool).join(", ")} answered`) : null,
    event.decided_by?.length ? deciders(event.decided_by) : null,
  ];
}

function headOf(event) {
  const [what, subject] = titleOf(event);
  const subjectNode = event.kind === "tool" && event.tool ? h("a", { href: `#tools/${encodeURIComponent(event.tool)}` }, subject) : subject ? h("span", {}, subject) : null;
  return [
    h("span", { class: "what" }, what), subjectNode ? " " : "", subjectNode, " ", badge(event.decision), " ",
    h("span", { class: "hint" }, [
      event.status && event.status !== "ok" ? event.status : "",
      event.canned ? "canned" : "",
      event.http_status && event.http_status >= 400 ? `HTTP ${event.http_status}` : "",
      took(event.milliseconds),
    ].filter(Boolean).join(" · ")),
  ];
}

/** Results by the event of the tool call that they answer: the next turn of the same agent's model reads them. */
function resultsOf(events) {
  const found = new Map();
  const open = new Map();
  for (const event of events) {
    if (event.kind === "tool" && event.method === "tools/call") {
      const key = `${event.agent} ${event.tool}`;
      open.set(key, [...(open.get(key) ?? []), event]);
    }
    for (const result of (event.kind === "model" && event.results) || []) {
      const call = open.get(`${event.agent} ${result.tool}`)?.shift();
      if (call) found.set(call, result);
    }
  }
  return found;
}

// ---- Ask ----

/** The events of the newest turn of the session that is shown: the agent's, while its request was on. */
function stepsOf(turn) {
  if (!turn) return [];
  const mine = state.events.filter((event) => event.seq > turn.after && (!turn.until || event.seq <= turn.until));
  return mine.filter((event) => {
    if (event.kind === "invocation") return turn.requestId ? event.request_id === turn.requestId : event.agent === turn.agent;
    if (event.agent_request_id && turn.requestId) return event.agent_request_id === turn.requestId;
    return event.agent === turn.agent;
  });
}

/** An invocation is told when it is over: then no later event belongs to its turn. */
function attend(event) {
  if (event.kind !== "invocation") return;
  for (const turn of state.sessions.flatMap((session) => session.turns)) {
    if (turn.requestId && turn.requestId === event.request_id) turn.until = event.seq;
  }
}

const drawSteps = oncePerFrame(() => {
  if ($("view-ask").hidden) return;
  const turn = state.session?.turns.at(-1);
  const events = stepsOf(turn);
  const results = resultsOf(events);
  // The invocation comes last, because it ends last; who reads from the top wants to see first who let the prompt in.
  events.sort((one, other) => (one.kind === "invocation" ? 0 : 1) - (other.kind === "invocation" ? 0 : 1) || one.seq - other.seq);
  const drawn = JSON.stringify([turn?.requestId, events.map((event) => [event.seq, results.has(event)])]);
  if ($("steps").dataset.drawn === drawn) return;
  $("steps").dataset.drawn = drawn;
  $("steps").replaceChildren(...events.map((event) =>
    h("li", { class: "step", "data-kind": event.kind, "data-decision": event.decision ?? "" }, h("div", { class: "head" }, headOf(event)), detailsOf(event, results.get(event)))));
  if (!events.length) $("steps").append(h("li", { class: "empty" }, turn ? "Nothing yet." : "Ask something: each step, and what decided it, stands here while it happens."));
});

function drawAgents() {
  const agents = state.overview.agents.map((agent) => agent.name);
  options($("ask-agent"), agents.map((name) => [name, name]));
  options($("filter-agent"), [["", "all"], ...agents.map((name) => [name, name])]);
  options($("what-if-agent"), agents.map((name) => [name, name]));
}

/** Options in place of those that are there; what was chosen stays chosen. */
function options(select, pairs) {
  const before = select.options.length ? select.value : undefined;
  select.replaceChildren(...pairs.map(([value, text]) => h("option", { value }, text)));
  if (pairs.some(([value]) => value === before)) select.value = before;
}

function drawSessions() {
  const mine = state.sessions.filter((session) => session.agent === $("ask-agent").value);
  options($("ask-session"), [["", "new"], ...mine.map((session) => [String(state.sessions.indexOf(session)), session.title])]);
  $("ask-session").value = state.session ? String(state.sessions.indexOf(state.session)) : "";
}

function drawTurns() {
  const turns = state.session?.turns ?? [];
  $("turns").replaceChildren(...turns.flatMap((turn) => turn.nodes));
  if (!turns.length) {
    $("turns").append(h("p", { class: "empty" }, "Nothing was asked in this session yet."));
  }
  $("turns").scrollTop = $("turns").scrollHeight;
  drawSteps();
}

function choose(session) {
  state.session = session;
  drawSessions();
  drawTurns();
}

function schemaGiven() {
  const text = $("ask-schema").value.trim();
  $("ask-schema-error").textContent = "";
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    $("ask-schema-error").textContent = `That is no JSON: ${error.message}`;
    $("ask-schema").closest("details").open = true;
    $("ask-schema").focus();
    return undefined;
  }
}

async function ask(event) {
  event.preventDefault();
  const prompt = $("ask-prompt").value;
  const schema = schemaGiven();
  if (!prompt.trim() || schema === undefined || state.asking) return;
  const agent = $("ask-agent").value;
  if (!state.session) {
    state.session = { id: null, agent, turns: [], title: prompt.slice(0, 40) };
    state.sessions.push(state.session);
  }
  const turn = newTurn(agent, prompt);
  const session = state.session;
  session.turns.push(turn);
  drawSessions();
  drawTurns();
  $("ask-prompt").value = "";
  state.asking = new AbortController();
  asking(true, turn);
  try {
    const answer = await request("ask", { agent, prompt, session: session.id, schema }, state.asking.signal);
    for await (const message of messages(answer)) read(session, turn, message);
    if (!turn.ended) failed(turn, "The answer broke off.");
  } catch (error) {
    failed(turn, error.name === "AbortError" ? "Stopped." : error.message);
  } finally {
    state.asking = null;
    asking(false, turn);
  }
}

function newTurn(agent, prompt) {
  const answer = h("div", { class: "text" });
  const end = h("p", { class: "hint end" });
  const nodes = [
    h("div", { class: "turn you" }, h("span", { class: "speaker" }, "You"), h("div", { class: "text" }, prompt)),
    h("div", { class: "turn agent" }, h("span", { class: "speaker" }, agent), answer, end),
  ];
  return { agent, nodes, answer, end, after: state.seq ?? -1, until: null, requestId: null, ended: false };
}

function asking(is, turn) {
  $("ask-send").disabled = is;
  show($("ask-stop"), is);
  // Who listens to the page hears the whole answer once, not each piece of it.
  $("turns").setAttribute("aria-busy", String(is));
  turn.nodes[1].classList.toggle("writing", is);
}

function read(session, turn, message) {
  if (message.session) session.id = message.session;
  if (message.request_id) turn.requestId = message.request_id;
  if (message.request_id) drawSteps();
  const stays = $("turns").scrollHeight - $("turns").scrollTop - $("turns").clientHeight > 40;
  if (typeof message.text === "string") turn.answer.append(message.text);
  if (message.status) end(turn, message);
  if (!stays) $("turns").scrollTop = $("turns").scrollHeight;
}

function end(turn, message) {
  turn.ended = true;
  if (message.error) return failed(turn, `${message.error.message ?? message.error} (${message.error.code ?? message.status})`);
  if (typeof message.response === "string" && !turn.answer.textContent) turn.answer.append(message.response);
  if (message.data !== undefined) turn.answer.append(h("pre", { tabindex: "0", "aria-label": "Answer as data" }, json(message.data)));
  const usage = message.usage;
  turn.end.textContent = usage ? `${usage.turns} ${usage.turns === 1 ? "turn" : "turns"} of the model, ${usage.input_tokens + usage.output_tokens} tokens` : "";
}

function failed(turn, message) {
  turn.ended = true;
  turn.end.replaceWith((turn.end = h("p", { class: "failed" }, message)));
}

// ---- Who may call what ----

/** The matrix as one byte a cell: a thousand by a hundred is a hundred thousand of them. */
function matrixOf(document_) {
  const rows = [], columns = [], rowOf = new Map(), columnOf = new Map();
  for (const entry of document_.entries) {
    const { principal, agent, gateway, tool } = entry;
    const row = `${principal}\n${agent ?? ""}`, column = `${gateway}\n${tool}`;
    if (!rowOf.has(row)) rowOf.set(row, rows.push({ principal, agent, name: agent ?? shortName(principal) }) - 1);
    if (!columnOf.has(column)) columnOf.set(column, columns.push({ gateway, tool }) - 1);
  }
  const kinds = Object.keys(WORDS);
  // What a matrix does not list is denied.
  const cells = new Uint8Array(rows.length * columns.length).fill(kinds.indexOf("deny"));
  const conditions = new Map();
  for (const { principal, agent, gateway, tool, decision, conditions: given } of document_.entries) {
    const index = rowOf.get(`${principal}\n${agent ?? ""}`) * columns.length + columnOf.get(`${gateway}\n${tool}`);
    cells[index] = Math.max(0, kinds.indexOf(decision));
    if (given?.length) conditions.set(index, given);
  }
  const { entries: _, ...ways } = document_;
  return { rows, columns, cells, conditions, ways, decision: (row, column) => kinds[cells[row * columns.length + column]] };
}

async function openAccess(tab) {
  show($("access-matrix"), !tab);
  show($("access-graph"), tab === "graph");
  show($("access-what-if"), tab === "what-if");
  if (tab === "graph") return drawPicture();
  if (!state.matrix) await into($("ways"), async () => { state.matrix = matrixOf(await get("access")); });
  if (!state.matrix) return;
  if (tab === "what-if") return drawChanges();
  drawWays();
  filterMatrix();
}

function filterMatrix() {
  if (!state.matrix) return;
  const who = $("filter-who").value.trim().toLowerCase(), tool = $("filter-tool").value.trim().toLowerCase();
  const agent = $("filter-agent").value;
  const { rows, columns } = state.matrix;
  const passes = (row) => (!agent || row.agent === agent) && (!who || row.principal.toLowerCase().includes(who) || row.name.toLowerCase().includes(who));
  state.shown = {
    rows: [...rows.keys()].filter((index) => passes(rows[index])),
    columns: [...columns.keys()].filter((index) => !tool || columns[index].tool.toLowerCase().includes(tool)),
  };
  state.at = { row: 0, column: 0 };
  $("matrix-count").textContent = `${state.shown.rows.length} of ${rows.length} callers, ${state.shown.columns.length} of ${columns.length} tools`;
  layMatrix();
}

const OVER = 4; // rows and columns drawn beyond the edge, and drawn at once: a small scroll draws nothing
let laid = null;

/** Size and head of the table for what passes the filters; the cells are drawn as they come into sight. */
function layMatrix() {
  const { rows, columns } = state.shown;
  const table = $("matrix"), roomy = window.innerWidth > 700;
  const wide = columns.length <= 6 && roomy;
  table.classList.toggle("wide", wide);
  table.setAttribute("aria-rowcount", rows.length + 1);
  table.setAttribute("aria-colcount", columns.length + 1);
  laid = { drawn: "", across: "", wide, width: wide ? 172 : 46, whoWidth: roomy ? 220 : 130, rows: new Map(), cells: cellsToCopy(wide) };
  table.style.width = `${laid.whoWidth + columns.length * laid.width}px`;
  table.style.setProperty("--cell", `${laid.width}px`);
  table.style.setProperty("--who", `${laid.whoWidth}px`);
  table.tBodies[0].style.height = `${rows.length * ROW}px`;
  table.tBodies[0].replaceChildren();
  $("matrix-scroll").scrollTo(0, 0);
  drawMatrix();
}

/** A cell of each decision: copies of it are cheaper than new ones. */
function cellsToCopy(wide) {
  return Object.fromEntries(Object.entries(WORDS).map(([decision, words]) =>
    [decision, h("td", { class: `cell ${decision}`, role: "gridcell", tabindex: "-1", "aria-label": decision }, wide ? words : words[0])]));
}

/** Draw the rows and columns in sight. Each row has its place by itself: one more moves no other. */
function drawMatrix() {
  if (!laid || $("access-matrix").hidden) return;
  const box = $("matrix-scroll"), { rows, columns } = state.shown;
  const span = (from, size, step, all) => {
    const first = Math.max(0, Math.floor(from / step / OVER - 1) * OVER);
    return [first, Math.min(all, Math.ceil((from + size) / step / OVER + 1) * OVER)];
  };
  const [top, bottom] = span(box.scrollTop, Math.max(box.clientHeight, 400), ROW, rows.length);
  const [left, right] = span(box.scrollLeft, box.clientWidth, laid.width, columns.length);
  const across = `${left} ${right}`, drawn = `${across} ${top} ${bottom}`;
  if (laid.drawn === drawn) return;
  const body = $("matrix").tBodies[0], focused = document.activeElement?.closest?.("#matrix td.cell");
  const shifted = laid.across !== across;
  if (shifted) $("matrix").tHead.replaceChildren(headRow(left, right));
  Object.assign(laid, { drawn, across });
  for (const [index, row] of laid.rows) {
    if (index >= top && index < bottom) {
      if (shifted) shift(row, index, left, right);
      continue;
    }
    row.remove();
    laid.rows.delete(index);
  }
  const added = [];
  for (let index = top; index < bottom; index += 1) {
    if (laid.rows.has(index)) continue;
    const row = bodyRow(index, left, right);
    laid.rows.set(index, row);
    added.push(row);
  }
  body.append(...added);
  if (focused && !focused.isConnected) cellAt(state.at.row, state.at.column)?.focus({ preventScroll: true });
}

/** Room for columns that are not drawn. */
function gap(count) {
  const cell = h("td", { role: "presentation", "aria-hidden": "true", class: "gap" });
  cell.style.width = `${Math.max(0, count) * laid.width}px`;
  return cell;
}

function headRow(left, right) {
  const severalGateways = new Set(state.matrix.columns.map((column) => column.gateway)).size > 1;
  const heads = state.shown.columns.slice(left, right).map((index, offset) => {
    const { tool, gateway } = state.matrix.columns[index];
    const under = severalGateways ? gatewayName(gateway) : "";
    return h("th", { scope: "col", role: "columnheader", title: under ? `${tool} at ${under}` : tool, "aria-colindex": left + offset + 2 },
      h("span", { class: "tool-head" }, breakable(tool), under ? h("small", {}, under) : null));
  });
  return h("tr", { role: "row", "aria-rowindex": "1" }, h("th", { scope: "col", role: "columnheader", class: "corner", "aria-colindex": "1" }, "who"), gap(left), heads);
}

/** A name that may break after `_`, and reads and copies as it is. */
const breakable = (name) => name.split(/(?<=_)(?!_)/).flatMap((part) => [part, h("wbr")]);

function bodyRow(at, left, right) {
  const caller = state.matrix.rows[state.shown.rows[at]];
  const line = h("tr", { role: "row", "aria-rowindex": at + 2, "data-row": at },
    h("th", { scope: "row", role: "rowheader", title: caller.principal, class: caller.principal === "*" ? "anybody" : null, "aria-colindex": "1" }, caller.name),
    gap(left), cellsOf(at, left, right));
  line.style.top = `${at * ROW}px`;
  return Object.assign(line, { from: left, to: right });
}

function cellsOf(at, from, to) {
  const row = state.shown.rows[at], cells = [];
  const anybody = state.matrix.rows[row].principal === "*";
  for (let across = from; across < to; across += 1) {
    const decision = state.matrix.decision(row, state.shown.columns[across]);
    const cell = laid.cells[decision].cloneNode(true);
    cell.setAttribute("aria-colindex", across + 2);
    if (anybody && decision !== "deny") cell.classList.add("loud");
    if (state.at.row === at && state.at.column === across) cell.setAttribute("tabindex", "0");
    cells.push(cell);
  }
  return cells;
}

/** Let a row begin and end at other columns: what is in sight before and after stays. */
function shift(line, at, left, right) {
  const space = line.children[1];
  space.style.width = `${left * laid.width}px`;
  const stays = left < line.to && right > line.from;
  for (const cell of [...line.children].slice(2)) {
    const across = Number(cell.getAttribute("aria-colindex")) - 2;
    if (across < left || across >= right) cell.remove();
  }
  if (!stays) line.append(...cellsOf(at, left, right));
  else {
    space.after(...cellsOf(at, left, line.from));
    line.append(...cellsOf(at, line.to, right));
  }
  Object.assign(line, { from: left, to: right });
}

/** Where a cell stands, as indices into `state.shown`. */
const placeOf = (cell) => ({ row: Number(cell.parentElement.dataset.row), column: Number(cell.getAttribute("aria-colindex")) - 2 });
const cellAt = (row, column) => laid.rows.get(row)?.querySelector(`td[aria-colindex="${column + 2}"]`);

/** Move the focus by arrow keys, as in any grid; the cell is scrolled into sight first, and drawn by that. */
function moveTo(row, column) {
  const box = $("matrix-scroll");
  const clamp = (value, most) => Math.max(0, Math.min(value, most - 1));
  const before = cellAt(state.at.row, state.at.column);
  state.at = { row: clamp(row, state.shown.rows.length), column: clamp(column, state.shown.columns.length) };
  before?.setAttribute("tabindex", "-1");
  const head = $("matrix").tHead.offsetHeight, y = state.at.row * ROW, x = state.at.column * laid.width;
  if (y < box.scrollTop) box.scrollTop = y;
  if (y + ROW + head > box.scrollTop + box.clientHeight) box.scrollTop = y + ROW + head - box.clientHeight;
  if (x < box.scrollLeft) box.scrollLeft = x;
  if (x + laid.width + laid.whoWidth > box.scrollLeft + box.clientWidth) box.scrollLeft = x + laid.width + laid.whoWidth - box.clientWidth;
  drawMatrix();
  const cell = cellAt(state.at.row, state.at.column);
  cell?.setAttribute("tabindex", "0");
  cell?.focus({ preventScroll: true });
}

function matrixKey(event) {
  const cell = event.target.closest("td.cell");
  if (!cell) return;
  const { row, column } = state.at;
  const page = Math.max(1, Math.floor($("matrix-scroll").clientHeight / ROW) - 2);
  const moves = {
    ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
    PageUp: [row - page, column], PageDown: [row + page, column], Home: [row, 0], End: [row, Infinity],
  };
  if (event.ctrlKey && event.key === "Home") moves.Home = [0, 0];
  if (event.ctrlKey && event.key === "End") moves.End = [Infinity, Infinity];
  if (event.key === "Enter" || event.key === " ") explain(cell);
  else if (moves[event.key]) moveTo(...moves[event.key]);
  else return;
  event.preventDefault();
}

async function explainMemory(row, opener) {
  state.opener = () => opener;
  const text = h("pre", { class: "explanation", tabindex: "0", "aria-label": "Explanation" }, "…");
  openPanel(`${who(row)} → ${row.name}`, [text]);
  await into(text, async () => {
    text.textContent = (await get(`access/explain?${query({ principal: row.principal, memory: row.memory })}`)).text;
  });
}

async function explain(cell) {
  const place = placeOf(cell), row = state.shown.rows[place.row], column = state.shown.columns[place.column];
  const caller = state.matrix.rows[row], { tool } = state.matrix.columns[column];
  const decision = state.matrix.decision(row, column);
  cellAt(state.at.row, state.at.column)?.setAttribute("tabindex", "-1");
  state.at = place;
  cell.setAttribute("tabindex", "0");
  state.opener = () => cellAt(state.at.row, state.at.column);
  const conditions = state.matrix.conditions.get(row * state.matrix.columns.length + column);
  const text = h("pre", { class: "explanation", tabindex: "0", "aria-label": "Explanation" }, "…");
  const what = caller.agent ? whatIfButton(caller.agent, tool, decision) : null;
  openPanel(`${caller.name} → ${tool}`, [
    h("p", {}, h("span", { class: `cell ${decision}` }, WORDS[decision])),
    conditions ? h("ul", {}, conditions.map((condition) => h("li", {}, condition))) : null, text, what]);
  await into(text, async () => {
    text.textContent = (await get(`access/explain?${query({ principal: caller.principal, tool })}`)).text;
  });
}

function whatIfButton(agent, tool, decision) {
  if (unavailable("what-if")) return h("p", { class: "unavailable" }, unavailable("what-if"));
  const verb = decision === "deny" ? "give" : "take";
  const words = verb === "give" ? `What if ${agent} were handed ${tool}?` : `What if ${tool} were taken from ${agent}?`;
  return h("button", { type: "button", on: { click: () => tryChange({ verb, agent, tool }) } }, words);
}

function openPanel(title, children) {
  $("panel-title").textContent = title;
  $("panel-body").replaceChildren(...children.filter(Boolean));
  show($("panel"), true);
  $("panel-title").focus();
  relayIfNarrow();
}

function closePanel() {
  if ($("panel").hidden) return;
  show($("panel"), false);
  state.opener?.()?.focus();
}

// The panel takes room from the table: more or fewer columns are in sight.
const relayIfNarrow = () => requestAnimationFrame(drawMatrix);

const gatewayName = (arn) => state.overview.gateways.find((it) => it.arn === arn)?.name ?? shortName(arn);
const conditional = (row) => [row.decision, ...(row.conditions ?? [])].join(": ");
const hops = (row) => (row.hops ?? []).map((hop) => `${hop.step} ${shortName(hop.to)} (${hop.decision})`).join(" → ");
const who = (row) => row.agent ?? row.asker ?? shortName(row.principal);

const WAYS = [
  ["bypasses", "Ways around a gateway", ["who", "reaches", "tools", "by", "decision", "steps"],
    (row) => [who(row), shortName(row.target ?? ""), [row.tools ?? []].flat().join(", "), row.way, conditional(row), hops(row)]],
  ["ask", "Who may ask an agent", ["who", "agent", "how", "decision"],
    (row) => [row.asker ?? shortName(row.principal), row.agent, row.how, conditional(row)]],
  ["clients", "Who may take a client's token", ["who", "client", "by", "decision", "steps"],
    (row) => [who(row), row.name ?? row.client, row.way, conditional(row), hops(row)]],
  ["memories", "Who may use a memory", ["who", "memory", "for", "by", "decision"],
    (row) => [who(row), row.name, row.use, row.way, conditional(row)]],
];

function drawWays() {
  const { ways } = state.matrix;
  $("ways").replaceChildren(...WAYS.flatMap(([key, title, heads, cells]) => {
    const rows = ways[key] ?? [];
    if (!rows.length) return key === "bypasses" ? [h("h3", {}, title), h("p", { class: "good" }, "None: every tool is reached through its gateway alone.")] : [];
    const body = rows.map((row) => h("tr", { class: key === "bypasses" || row.principal === "*" ? "alarm" : "" },
      cells(row).map((cell, index) => h(index ? "td" : "th", index ? {} : { scope: "row", title: row.principal },
        index || key !== "memories" ? cell ?? "" : h("button", { type: "button", class: "plain", on: { click: (event) => explainMemory(row, event.currentTarget) } }, cell)))));
    return [h("h3", {}, title, " ", h("small", {}, String(rows.length))), table(title, heads, body)];
  }), ...(ways.unsupported?.length ? [h("h3", {}, "Not judged"), h("ul", { class: "alarm" }, ways.unsupported.map((line) => h("li", {}, line)))] : []));
}

function table(name, heads, body) {
  return h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": name },
    h("table", {}, h("caption", { class: "visually-hidden" }, name), h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, body)));
}

function forgetPicture() {
  if (state.picture) URL.revokeObjectURL(state.picture);
  state.picture = "";
}

async function drawPicture() {
  if (state.picture) return;
  $("graph-status").textContent = "Drawing…";
  await into($("graph-status"), async () => {
    const drawn = await (await request("access/picture")).blob();
    forgetPicture();
    state.picture = URL.createObjectURL(drawn.slice(0, drawn.size, "image/svg+xml"));
    // As an image an SVG runs no script and loads nothing, whatever names are in it.
    $("graph-image").src = state.picture;
    $("graph-save").href = state.picture;
    show($("graph-image"), true);
    show($("graph-save"), true);
    $("graph-status").textContent = "";
  });
}

// ---- What if ----

function tryChange(change) {
  closePanel();
  addChange(change);
  location.hash = "access/what-if";
  runWhatIf();
}

function addChange(change) {
  // The last word about an agent and a tool counts.
  state.changes = state.changes.filter((it) => it.agent !== change.agent || it.tool !== change.tool);
  state.changes.push(change);
  drawChanges();
}

function drawChanges() {
  const names = [...new Set((state.matrix?.columns ?? []).map((column) => column.tool).concat((state.tools ?? []).map((tool) => tool.tool)))];
  options($("what-if-tool"), names.sort().map((name) => [name, name]));
  $("what-if-list").replaceChildren(...state.changes.map((change) => {
    const text = change.verb === "give" ? `hand ${change.tool} to ${change.agent}` : `take ${change.tool} from ${change.agent}`;
    const drop = () => {
      state.changes = state.changes.filter((it) => it !== change);
      drawChanges();
    };
    return h("li", {}, text, " ", h("button", { type: "button", "aria-label": `Drop: ${text}`, on: { click: drop } }, "✕"));
  }));
  $("what-if-run").disabled = !state.changes.length || Boolean(unavailable("what-if"));
}

async function runWhatIf() {
  const of = (verb) => state.changes.filter((it) => it.verb === verb).map(({ agent, tool }) => ({ agent, tool }));
  $("what-if-result").replaceChildren(h("p", { class: "busy" }, "Planning the program anew; this takes some seconds…"));
  await into($("what-if-result"), async () => {
    const said = await (await request("what-if", { give: of("give"), take: of("take") })).json();
    $("what-if-result").replaceChildren(...verdict(said));
  });
}

function verdict(said) {
  const violations = said.violations ?? [];
  const title = said.error ? "The program cannot be planned so" : said.ok ? "The plan holds" : "The policy pack says no";
  return [
    h("h3", { class: said.ok ? "good" : "bad" }, title),
    said.error ? h("pre", { tabindex: "0", "aria-label": "Error" }, said.error) : null,
    violations.length ? table("Violations", ["rule", "level", "resource", "what is wrong"], violations.map((it) =>
      h("tr", { class: it.level === "mandatory" ? "alarm" : "" }, h("th", { scope: "row" }, it.rule), h("td", {}, it.level), h("td", {}, it.resource), h("td", {}, it.message)))) : null,
    ...(said.diff ? differenceOf(said.diff) : []),
    said.settings ? h("h4", {}, "To make it so", said.file ? ` (${said.file})` : "") : null,
    said.settings ? h("pre", { class: "code", tabindex: "0", "aria-label": "Settings to paste" }, said.settings) : null,
    said.settings ? h("button", { type: "button", on: { click: (event) => copy(event.currentTarget, said.settings) } }, "Copy") : null,
  ].filter(Boolean);
}

async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select it and copy: the browser does not let the page do it";
  }
}

function differenceOf(diff) {
  const line = (row, what) => `${who(row)}: ${what} (${row.before.decision} → ${row.after.decision})`;
  const lists = [
    ["Newly may call", diff.gains, (row) => line(row, row.tool), "bad"], ["May no longer call", diff.losses, (row) => line(row, row.tool), ""],
    ...["ask", "bypasses", "memories"].flatMap((key) => [
      [`Newly: ${WAYS.find(([name]) => name === key)[1].toLowerCase()}`, diff[key]?.gains, (row) => line(row, `${row.what} ${row.way ?? ""}`), "bad"],
      [`No longer: ${WAYS.find(([name]) => name === key)[1].toLowerCase()}`, diff[key]?.losses, (row) => line(row, `${row.what} ${row.way ?? ""}`), ""],
    ]),
    ["Newly not judged", diff.newly_unjudged, (row) => row, "bad"],
  ].filter(([, rows]) => rows?.length);
  if (!lists.length) return [h("p", {}, "Nobody's access changes.")];
  return lists.flatMap(([title, rows, words]) => [h("h4", {}, title), h("ul", { class: "changes" }, rows.map((row) => h("li", {}, words(row))))]);
}

// ---- Tools ----

async function openTools(name) {
  if (!state.tools) await into($("tool-names"), async () => { state.tools = await get("tools"); });
  if (!state.tools) return;
  drawToolNames();
  const chosen = state.tools.find((tool) => tool.tool === name) ?? state.tools.find((tool) => tool.tool === state.tool?.tool) ?? state.tools[0];
  show($("tool"), Boolean(chosen));
  if (chosen) drawTool(chosen);
}

function drawToolNames() {
  const wanted = $("tool-filter").value.trim().toLowerCase();
  $("tool-names").replaceChildren(...state.tools.filter((tool) => tool.tool.toLowerCase().includes(wanted)).map((tool) =>
    h("li", {}, h("a", { href: `#tools/${encodeURIComponent(tool.tool)}`, "aria-current": tool.tool === state.tool?.tool ? "true" : null },
      h("span", { class: "name" }, tool.tool), " ", h("small", {}, tool.offered_to?.length ? tool.offered_to.join(", ") : "nobody")))));
  if (!state.tools.length) $("tool-names").append(h("li", { class: "empty" }, "This deployment has no tools."));
}

function drawTool(tool) {
  const same = state.tool === tool;
  state.tool = tool;
  drawToolNames();
  if (same) return;
  $("tool-name").textContent = tool.tool;
  $("tool-gateway").textContent = [`gateway ${gatewayNamed(tool.gateway)}`, tool.target && `target ${tool.target}`].filter(Boolean).join(", ");
  $("tool-offered").textContent = tool.offered_to?.length ? `Offered to ${tool.offered_to.join(", ")}.` : "Offered to nobody.";
  $("tool-description").textContent = tool.description ?? "";
  $("tool-schema").replaceChildren(schemaTree(tool.inputSchema ?? {}));
  $("tool-json").textContent = json(tool.inputSchema ?? {});
  $("call-result").replaceChildren();
  $("tool-log").textContent = "";
  $("tool-log-path").textContent = "";
  show($("tool-log-box"), Boolean(tool.log) && !unavailable("logs"));
  drawCallers();
  drawFields();
  drawCalls();
  if ($("tool-log-box").open) drawLog();
}

const gatewayNamed = (key) => state.overview.gateways.find((it) => it.id === key || it.arn === key || it.name === key)?.name ?? key;

/** A schema as a list of its fields: name, type, bounds and what the author wrote for the model. */
function schemaTree(schema) {
  const fields = Object.entries(schema.properties ?? {});
  if (!fields.length) return h("p", { class: "hint" }, schema.type === "object" || !schema.type ? "It takes no arguments." : typeOf(schema));
  const required = new Set(schema.required ?? []);
  return h("ul", { class: "schema" }, fields.map(([name, field]) => {
    const inner = field?.properties ? field : field?.items?.properties ? field.items : null;
    return h("li", {},
      h("code", { class: "field" }, name), " ", h("span", { class: "type" }, typeOf(field ?? {})), " ",
      h("span", { class: "hint" }, required.has(name) ? "required" : "optional", bounds(field ?? {})),
      field?.description ? h("p", {}, field.description) : null, inner ? schemaTree(inner) : null);
  }));
}

function typeOf(schema) {
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.type === "array") return `list of ${typeOf(schema.items ?? {})}`;
  return [schema.type ?? "any"].flat().join(" | ") + (schema.format ? ` (${schema.format})` : "");
}

function bounds(schema) {
  const named = { minimum: "at least", maximum: "at most", exclusiveMinimum: "above", exclusiveMaximum: "below", minLength: "characters at least", maxLength: "characters at most", minItems: "items at least", maxItems: "items at most", pattern: "pattern", default: "default" };
  return Object.keys(named).filter((key) => schema[key] !== undefined).map((key) => `, ${named[key]} ${typeof schema[key] === "string" ? schema[key] : JSON.stringify(schema[key])}`).join("");
}

/** Whoever calls: an agent, nobody, or a role that exists for no one here. */
function drawCallers() {
  const [, partition, , , account] = (state.overview.gateways[0]?.arn ?? "arn:aws:::123456789012:").split(":");
  const stranger = `arn:${partition}:iam::${account}:role/without-a-grant`;
  const agents = state.overview.callers.map((name) => [name, state.tool.offered_to?.includes(name) ? name : `${name} (is not offered it)`]);
  options($("call-as"), [...agents, ["", "nobody (no signature, no token)"], [stranger, "a role without the grant"]]);
}

function drawFields() {
  const schema = state.tool.inputSchema ?? {};
  const fields = Object.entries(schema.properties ?? {});
  if ($("call-raw").checked) {
    $("call-fields").replaceChildren(fieldOf("arguments", { type: "object" }, true, "call-argument-raw"));
    $("call-argument-raw").value = json(Object.fromEntries(fields.map(([name, field]) => [name, example(field ?? {})])));
    return;
  }
  const required = new Set(schema.required ?? []);
  $("call-fields").replaceChildren(...fields.map(([name, field], index) => fieldOf(name, field ?? {}, required.has(name), `call-argument-${index}`)));
}

function example(schema) {
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  return { string: "", integer: 0, number: 0, boolean: false, array: [], object: {} }[schema.type] ?? null;
}

function fieldOf(name, schema, required, id) {
  const attributes = { id, "data-name": name, "data-type": schema.type ?? "", "data-required": required, "aria-describedby": `${id}-error`, "aria-required": String(required) };
  return h("div", { class: "field-row" },
    h("label", { for: id }, name, required ? "" : h("small", {}, " optional")), inputOf(schema, required, attributes),
    h("p", { class: "field-error", id: `${id}-error` }));
}

function inputOf(schema, required, attributes) {
  const values = schema.enum ?? (schema.type === "boolean" ? [true, false] : null);
  if (values) {
    // An option says its value as JSON: `1` and `"1"` are two values.
    const choices = values.map((value) => h("option", { value: JSON.stringify(value) }, typeof value === "string" ? value : JSON.stringify(value)));
    return h("select", { ...attributes, "data-type": "enum" }, h("option", { value: "" }, required ? "choose" : "left out"), choices);
  }
  if (schema.type === "integer" || schema.type === "number") return h("input", { ...attributes, type: "text", inputmode: "decimal", autocomplete: "off" });
  if (schema.type === "string") return h("input", { ...attributes, type: "text", autocomplete: "off" });
  return h("textarea", { ...attributes, "data-type": "json", rows: "4", spellcheck: "false", placeholder: "JSON" });
}

/** What a field's text means, `undefined` where it is left out; an Error says what to write. */
function valueOf(input) {
  const { type, required } = input.dataset, text = input.value;
  if (type === "string") return text || required !== undefined ? text : undefined;
  if (!text.trim()) {
    if (required !== undefined) throw new Error("This is required.");
    return undefined;
  }
  if (type === "integer" || type === "number") return numberOf(text.trim(), type);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`That is no JSON: ${error.message}`);
  }
}

function numberOf(text, type) {
  if (!/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)) throw new Error(type === "integer" ? "Write a whole number, such as 12." : "Write a number, such as 1.5.");
  const value = Number(text);
  // JavaScript would round it, and another number than the one written would be sent.
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw new Error("That is more than this page can send exactly.");
  return value;
}

/** The form's arguments, or `undefined` when a field cannot be read; each such field says why. */
function argumentsGiven() {
  const given = {};
  let wrong = null;
  for (const input of $("call-fields").querySelectorAll("[data-name]")) {
    const said = $(`${input.id}-error`);
    said.textContent = "";
    input.removeAttribute("aria-invalid");
    try {
      const value = valueOf(input);
      // Not by assignment: a tool may name an argument `__proto__`.
      if (value !== undefined) Object.defineProperty(given, input.dataset.name, { value, enumerable: true });
    } catch (error) {
      said.textContent = error.message;
      input.setAttribute("aria-invalid", "true");
      wrong ??= input;
    }
  }
  wrong?.focus();
  if (wrong) return undefined;
  return $("call-raw").checked ? given.arguments : given;
}

async function call(event) {
  event.preventDefault();
  const tool = state.tool, given = argumentsGiven();
  if (given === undefined) return;
  $("call-result").replaceChildren(h("p", { class: "busy" }, "Calling…"));
  await into($("call-result"), async () => {
    const said = await (await request("tools/call", { tool: tool.tool, gateway: tool.gateway, arguments: given, as: $("call-as").value })).json();
    if (state.tool === tool) $("call-result").replaceChildren(...outcome(said));
  });
  drawCalls();
  if ($("tool-log-box").open) drawLog();
}

function outcome(said) {
  const decision = said.line?.decision ?? (said.refusal ? "denied" : "allowed");
  const failed = said.result?.isError;
  return [
    h("p", {}, badge(decision), " ", h("span", { class: "hint" }, [
      said.line?.status && said.line.status !== "ok" ? said.line.status : "", said.http_status >= 400 ? `HTTP ${said.http_status}` : "", took(said.milliseconds)].filter(Boolean).join(" · "))),
    said.refusal || said.reason ? reasonBox(said.reason, said.refusal) : null,
    said.refusal && said.reason ? block("the gateway's words", said.refusal) : null,
    said.result ? block(failed ? "error" : "result", contentOf(said.result)) : null,
    said.line?.decided_by ? deciders(said.line.decided_by) : null,
  ].filter(Boolean);
}

function contentOf(result) {
  const texts = (result.content ?? []).filter((it) => it.type === "text").map((it) => it.text);
  return texts.length && texts.length === result.content.length ? texts.join("\n") : json(result);
}

async function drawCalls() {
  const tool = state.tool;
  if (unavailable("calls")) return $("tool-calls").replaceChildren();
  await into($("tool-calls"), async () => {
    const lines = await get(`calls?${query({ tool: tool.tool, limit: 20 })}`);
    if (state.tool !== tool) return;
    const rows = lines.map((line) => h("tr", {},
      h("th", { scope: "row" }, clock(line.event_timestamp ?? line.time)), h("td", {}, whoOf(line)), h("td", {}, badge(line.decision)),
      h("td", {}, line.status ?? ""), h("td", {}, (line.arguments ?? []).join(", ")), h("td", { class: "number" }, took(line.milliseconds))));
    $("tool-calls").replaceChildren(rows.length ? table("Last calls", ["time", "who", "decision", "status", "arguments", "took"], rows) : h("p", { class: "hint" }, "Nobody has called it yet."));
  });
}

async function drawLog() {
  const tool = state.tool;
  await into($("tool-log-path"), async () => {
    const log = await get(`logs?${query({ of: tool.log, lines: 200 })}`);
    if (state.tool !== tool) return;
    $("tool-log-path").textContent = log.path ?? "";
    $("tool-log").textContent = log.text || "It has written nothing yet.";
    $("tool-log").scrollTop = $("tool-log").scrollHeight;
  });
}

// ---- Live ----

function passesLive(event) {
  return !$("live-denied").checked || event.decision === "denied";
}

const drawLive = oncePerFrame(() => {
  if ($("view-live").hidden) return;
  const found = [];
  for (let index = state.events.length - 1; index >= 0 && found.length < MOST_SHOWN; index -= 1) {
    if (passesLive(state.events[index])) found.push(state.events[index]);
  }
  // Those that are drawn stay as they are: who has opened one, or stands on it, is not disturbed by what comes.
  const drawn = new Map([...$("events").children].map((item) => [item.dataset.seq, item]));
  const wanted = found.map((event) => drawn.get(String(event.seq)) ?? liveItem(event));
  const keep = new Set(wanted);
  for (const item of [...$("events").children]) if (!keep.has(item)) item.remove();
  wanted.forEach((item, index) => {
    if ($("events").children[index] !== item) $("events").insertBefore(item, $("events").children[index] ?? null);
  });
  $("live-status").textContent = [
    found.length ? "" : "Nothing yet: ask an agent or call a tool.",
    state.missed ? `Missed ${state.missed}: more happened than could be told.` : "",
    found.length === MOST_SHOWN ? `The newest ${MOST_SHOWN} are shown.` : ""].filter(Boolean).join(" ");
});

function liveItem(event) {
  const [what, subject] = titleOf(event);
  const head = h("span", { class: "head" },
    h("time", { class: "hint" }, event.time ? clock(event.time) : ""), " ",
    ["tool", "model", "invocation"].includes(event.kind) ? h("b", {}, whoOf(event)) : "", " ",
    h("span", { class: "what" }, what), " ", h("span", {}, subject), " ", badge(event.decision), " ",
    h("span", { class: "hint" }, [event.status && event.status !== "ok" ? event.status : "", event.canned ? "canned" : "", took(event.milliseconds)].filter(Boolean).join(" · ")));
  const details = detailsOf(event).filter(Boolean);
  const attributes = { class: "step", "data-seq": event.seq, "data-kind": event.kind, "data-decision": event.decision ?? "" };
  if (!details.length) return h("li", attributes, head);
  return h("li", attributes, h("details", { open: event.decision === "denied" }, h("summary", {}, head), details));
}

function pause() {
  state.paused = !state.paused;
  $("live-pause").setAttribute("aria-pressed", String(state.paused));
  $("live-pause").textContent = state.paused ? "Go on" : "Pause";
  if (!state.paused) drawLive();
}

// ---- Views ----

const OPEN = { ask: () => drawTurns(), access: openAccess, tools: openTools, live: () => drawLive() };

/** Show the view that the address names: `#tools/math___greeting`. */
async function route() {
  if (!state.token || !state.overview) return;
  const [name, ...rest] = location.hash.slice(1).split("/");
  const view = OPEN[name] ? name : "ask";
  for (const section of document.querySelectorAll(".view")) show(section, section.id === `view-${view}`);
  const here = `#${[view, ...(view === "access" ? rest : [])].join("/")}`;
  for (const link of document.querySelectorAll(".top nav a")) mark(link, link.hash === `#${view}`);
  for (const link of document.querySelectorAll(".tabs a")) mark(link, link.hash === here);
  document.title = `${document.querySelector(`.top nav a[href="#${view}"]`).textContent} · toolgate`;
  await OPEN[view](decoded(rest.join("/")));
}

const mark = (link, current) => (current ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current"));

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Ask for what every view needs, and draw the one that is open. */
async function start() {
  const overview = await get("overview");
  state.overview = overview;
  $("where").textContent = [overview.stack && `stack ${overview.stack}`, overview.region, overview.model && `model ${overview.model}`].filter(Boolean).join(" · ");
  $("where").title = overview.program ?? "";
  for (const place of document.querySelectorAll("[data-needs]")) place.textContent = unavailable(place.dataset.needs);
  show($("notes"), Boolean(overview.notes?.length));
  $("notes-list").replaceChildren(...(overview.notes ?? []).map((note) => h("li", {}, note)));
  $("ask-send").disabled = !overview.agents.length || Boolean(unavailable("ask"));
  drawAgents();
  drawSessions();
  await route();
}

/** Take the key from the address, where nobody is to read it over a shoulder or from the history. */
function keyFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(TOKEN, given);
    history.replaceState(null, "", `${location.pathname}#ask`);
  }
  return given ?? sessionStorage.getItem(TOKEN) ?? "";
}

async function begin() {
  state.token = keyFromAddress();
  if (!state.token) return lock();
  show($("locked"), false);
  try {
    await start();
  } catch (error) {
    if (state.token) tell(error.message);
    return;
  }
  follow();
}

function listen() {
  const on = (id, event, listener) => $(id).addEventListener(event, listener);
  window.addEventListener("hashchange", () => (new URLSearchParams(location.hash.slice(1)).has("token") ? begin() : route()));
  window.addEventListener("resize", oncePerFrame(() => (laid ? layMatrix() : undefined)));
  document.addEventListener("keydown", (event) => event.key === "Escape" && closePanel());
  on("skip", "click", (event) => {
    event.preventDefault(); // the address names the view
    $("main").focus();
  });
  on("ask-form", "submit", ask);
  on("ask-prompt", "keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && ask(event));
  on("ask-stop", "click", () => state.asking?.abort());
  on("ask-new", "click", () => {
    choose(null);
    $("ask-prompt").focus();
  });
  on("ask-agent", "change", () => choose(null));
  on("ask-session", "change", () => choose(state.sessions[$("ask-session").value] ?? null));
  for (const id of ["filter-who", "filter-tool"]) on(id, "input", oncePerFrame(filterMatrix));
  on("filter-agent", "change", filterMatrix);
  on("matrix-scroll", "scroll", oncePerFrame(drawMatrix));
  on("matrix", "keydown", matrixKey);
  on("matrix", "click", (event) => {
    const cell = event.target.closest("td.cell");
    if (cell) explain(cell);
  });
  on("panel-close", "click", closePanel);
  on("graph-fit", "change", () => $("graph").classList.toggle("fit", $("graph-fit").checked));
  on("what-if-form", "submit", (event) => {
    event.preventDefault();
    addChange({ verb: $("what-if-verb").value, agent: $("what-if-agent").value, tool: $("what-if-tool").value });
  });
  on("what-if-run", "click", runWhatIf);
  on("what-if-clear", "click", () => {
    state.changes = [];
    $("what-if-result").replaceChildren();
    drawChanges();
  });
  on("tool-filter", "input", () => state.tools && drawToolNames());
  on("call-form", "submit", call);
  on("call-raw", "change", drawFields);
  on("tool-log-box", "toggle", () => $("tool-log-box").open && state.tool && drawLog());
  on("live-denied", "change", () => drawLive());
  on("live-pause", "click", pause);
}

listen();
begin();
