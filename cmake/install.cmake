# What goes where, one component for each package: `cmake --install build/release --component backend --prefix /usr`. Needs only
# `cmake --build … --target mosquitto_parley parleyd parleyctl`. parley-bench measures a build in its folder and is not installed.
include(GNUInstallDirs)
set(PARLEY_PLUGIN_DIR lib/parley CACHE STRING "Folder of mosquitto_parley.so, below the prefix; broker configurations name it")

install(TARGETS mosquitto_parley LIBRARY DESTINATION ${PARLEY_PLUGIN_DIR} COMPONENT broker-plugin)
install(FILES ${PROJECT_SOURCE_DIR}/docker/mosquitto.conf
  DESTINATION ${CMAKE_INSTALL_DATADIR}/parley COMPONENT broker-plugin)

install(TARGETS parleyd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR} COMPONENT backend)
install(FILES ${PROJECT_BINARY_DIR}/share/parleyd.toml
  DESTINATION ${CMAKE_INSTALL_DATADIR}/parley COMPONENT backend)

install(TARGETS parleyctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tools)
