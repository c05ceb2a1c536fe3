import { z } from "zod";

import { Problem } from "./action.js";
import { type Route, ROUTES } from "./routes.js";

type Json = Record<string, unknown>;

/**
 * Makes the OpenAPI 3.1 document of the API from the routes and their schemas.
 *
 * @param cookie  name of the cookie of a login; every cluster has its own
 */
export function openApiDocument(cookie: string): Json {
  const paths: Record<string, Json> = {};
  for (const [name, route] of Object.entries(ROUTES) as [string, Route][]) {
    paths[route.path] = {
      ...paths[route.path],
      [route.method.toLowerCase()]: operation(name, route),
    };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Gumshoe",
      version: "1",
      description: "Runs, their metrics and answers, and the fleet. Errors are `Problem`s.",
    },
    security: [{ token: [] }, { session: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "the token of the cluster" },
        session: { type: "apiKey", in: "cookie", name: cookie, description: "of a login" },
      },
      schemas: { Problem: toSchema(Problem, "output") },
    },
  };
}

function operation(name: string, route: Route): Json {
  const { summary, params, query, body, response, contentType = "application/json" } = route;
  const problem = {
    description: "a problem",
    content: { "application/json": { schema: { $ref: "#/components/schemas/Problem" } } },
  };
  return {
    operationId: name,
    summary,
    ...(name === "login" ? { security: [] } : {}),
    parameters: [...parameters(params, "path"), ...parameters(query, "query")],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { "application/json": { schema: toSchema(body, "input") } },
          },
        }),
    responses: {
      "200": {
        description: "done",
        content: {
          [contentType]: response === null ? {} : { schema: toSchema(response, "output") },
        },
      },
      default: problem,
    },
  };
}

function parameters(schema: z.ZodObject | undefined, place: "path" | "query"): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = toSchema(schema, "output") as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === "path" || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }));
}

function toSchema(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}
