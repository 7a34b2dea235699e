export { settingsSchema } from './settings.js';
