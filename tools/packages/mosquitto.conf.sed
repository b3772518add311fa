# Makes /etc/parley/mosquitto.conf of docker/mosquitto.conf: what Debian's own configuration says is left out, and listeners
# that need certificates wait for them.
1,/^$/c\
# Parley in Mosquitto. Nothing happens until it is switched on:\
#   ln -s /etc/parley/mosquitto.conf /etc/mosquitto/conf.d/parley.conf && systemctl restart mosquitto\
# Persistence and the log stand in /etc/mosquitto/mosquitto.conf. All options of the plugin: mosquitto_parley(8).\
# Listeners with TLS (3-5) need certificates in /etc/parley/tls, readable for user mosquitto; then take the # before their lines away.\

/^persistence/d
/^autosave_interval/d
/^log_/d
/^# Sessions that sleep/d
/^listener 8883/,/^# --- Parley/ s/^[^#]/#&/
