package nas

const none = "None" // a setting that Katib lets be nothing
