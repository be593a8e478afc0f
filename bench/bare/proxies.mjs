/**
 * The bare counterparts of the edge: the least a Worker does to pass a request on, or to answer it from the Cache API.
 * They must not do anything that an edge does beyond that: no routing, no signing, no tokens.
 */

/** Request options with a valid signature, by path; the bench replaces them before each run (PUT of a JSON object). */
let signed = new Map();

const pathOf = (url) => url.slice(url.indexOf("/", 8));

async function adopt(request) {
  const headersByPath = Object.entries(await request.json());
  signed = new Map(headersByPath.map(([path, headers]) => [path, { headers: new Headers(headers) }]));
  return new Response(null, { status: 204 });
}

/** Passes every request on. */
export const proxy = {
  async fetch(request, env) {
    if (request.method === "PUT") return adopt(request);
    const path = pathOf(request.url);
    return fetch(env.ORIGIN + path, signed.get(path));
  },
};

/** Answers from the cache; what is not there is fetched and put there. */
export const cachingProxy = {
  async fetch(request, env, context) {
    if (request.method === "PUT") return adopt(request);
    const hit = await caches.default.match(request);
    if (hit !== undefined) return hit;
    const path = pathOf(request.url);
    const answer = await fetch(env.ORIGIN + path, signed.get(path));
    if (answer.status === 200) context.waitUntil(caches.default.put(request, answer.clone()));
    return answer;
  },
};
