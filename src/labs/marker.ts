/** Set in the environment of all that a lab starts: by it `tare lab reset` finds it again. */
export const markerVariable = 'TARE_LAB';

/** Beside it in the shell of a guided session: the name of its lab. */
export const nameVariable = 'TARE_LAB_NAME';
