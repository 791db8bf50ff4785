// In JavaScript, which Jest does not transform: Node itself then reads the sources that the image is made with.
export { makeEmbeddedImage as default } from './make-embedded-image.ts'
