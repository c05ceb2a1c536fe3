/** `npm run build`: dependencies, kernels and TypeScript, if they are missing or outdated. */
import { main, setUp } from "./setup/set-up.mjs";

await main(() => setUp({ redis: false }));
