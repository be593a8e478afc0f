/** What an import of a `.toml` file gives: its text (a wrangler rule of type Text). It must not say more. */
declare module "*.toml" {
  const text: string;
  export default text;
}
