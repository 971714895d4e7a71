/** Set in the environment of all that a lab starts: by it `tare lab reset` finds it again. */
export const markerVariable = 'TARE_LAB';
