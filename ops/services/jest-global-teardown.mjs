/** Ends what jest-global-setup.mjs started; services that were given from outside stay. */
export default async function tearDown() {
  await Promise.all((globalThis.fieldgateServices ?? []).map((service) => service.stop()));
}
