export { removeEmbeddedImage as default } from './make-embedded-image.ts'
