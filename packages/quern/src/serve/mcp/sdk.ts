import { optionalPackage } from '../../optional-package.ts';

const name = '@modelcontextprotocol/sdk';

/** A part of the package by which agents ask. Throws `MISSING_PACKAGE`. */
function needed<T>(load: () => Promise<T>): Promise<T> {
  return optionalPackage(load, `${name}, by which agents ask`, `npm install ${name}`);
}

/** What servers are made with, over whatever they are reached. Throws `MISSING_PACKAGE`. */
export function serverSdk() {
  return needed(async () => {
    const { Server } = await import('@modelcontextprotocol/sdk/server/index.js');
    const { CallToolRequestSchema, ErrorCode, ListToolsRequestSchema, McpError } =
      await import('@modelcontextprotocol/sdk/types.js');
    const { AjvJsonSchemaValidator } = await import('@modelcontextprotocol/sdk/validation/ajv');
    return {
      Server,
      CallToolRequestSchema,
      ErrorCode,
      ListToolsRequestSchema,
      McpError,
      // Made once, as it takes longer than all else that a server is made of.
      jsonSchemaValidator: new AjvJsonSchemaValidator(),
    };
  });
}

/** {@link serverSdk} */
export type ServerSdk = Awaited<ReturnType<typeof serverSdk>>;

/** The transport over standard input and output. Throws `MISSING_PACKAGE`. */
export function stdioTransport() {
  return needed(() => import('@modelcontextprotocol/sdk/server/stdio.js'));
}

/** The transport over streamable HTTP. Throws `MISSING_PACKAGE`. */
export function httpTransport() {
  return needed(() => import('@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'));
}
