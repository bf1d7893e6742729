// As much of Node's types as those of the package mention, so that no package of types has to be installed.
interface Buffer extends Uint8Array {
  write(text: string): number;
}
declare const Buffer: { from(text: string): Buffer };
declare module 'fs' {
  export function createWriteStream(path: string, options?: object): object;
  export function mkdirSync(path: string, options?: object): string | undefined;
  export function renameSync(from: string, to: string): void;
}
declare module 'path' {
  export function join(...paths: string[]): string;
}
