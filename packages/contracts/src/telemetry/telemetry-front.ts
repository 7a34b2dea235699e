/**
 * What stands before the data where a gateway has written the record: the attributes in its order, and nothing in them that JSON would have
 * to escape. From the very front, so that nothing in a device's readings is taken for it. Its parts: device, id, time, received time, connection.
 */
export const TELEMETRY_FRONT =
  /^\{"specversion":"1\.0","type":"fieldgate\.telemetry\.v1","source":"[!#-[\]-~]+","subject":"([!#-[\]-~]+)","id":"([!#-[\]-~]+)","time":"([!#-[\]-~]+)","receivedtime":"([!#-[\]-~]+)",(?:"devicetime":"[!#-[\]-~]+",)?"gateway":"[ !#-[\]-~]*",(?:"connection":"([!#-[\]-~]*)",)?"datacontenttype":"application\/json","data":/;
