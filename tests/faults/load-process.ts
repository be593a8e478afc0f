// A process of clients of shards that keep their ranges. It must not be imported; load.ts starts it.
import { readLoadOrder, runLoad } from "./run-load.ts";
import { createRequestSigner } from "./signed-request.ts";
import { createFixedWay } from "./way.ts";

const order = readLoadOrder();
const sign = createRequestSigner(order.signingKeys);
await runLoad(order, (clockOffsetMs) => createFixedWay({ origins: order.origins, sign, clockOffsetMs }));
