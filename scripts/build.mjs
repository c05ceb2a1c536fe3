/** `npm run build`: dependencies, kernels and TypeScript, as far as they are missing or old. */
import { main, setUp } from "./setup/set-up.mjs";

await main(() => setUp({ redis: false }));
