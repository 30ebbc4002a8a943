package hass

import (
	"slices"
	"strings"
)

// Device classes and their units, from Home Assistant 2026.11 (SensorDeviceClass,
// DEVICE_CLASS_UNITS and the like). An unknown class, or a unit outside a
// sensor's class, refuses the entity.

// classes are the device classes of a platform that are no numbers; those of
// numbers are in [unitsOf].
func classes(platform string) string {
	switch platform {
	case "button":
		return "identify restart update"
	case "switch":
		return "outlet switch"
	case "event":
		return "doorbell button motion"
	case "sensor":
		return "date enum timestamp uptime"
	case "binary_sensor":
		return "battery battery_charging carbon_monoxide cold connectivity door garage_door gas glass_break heat light lock moisture motion moving occupancy " +
			"opening plug power presence problem running safety smoke sound tamper update vibration window"
	}
	return ""
}

// newerThanFloor are classes that Home Assistant 2024.12 does not know: there, the
// entity is refused.
const newerThanFloor = "absolute_humidity energy_distance glass_break pm4 radon reactive_energy temperature_delta uptime wind_direction"

const stateClasses = "measurement measurement_angle total total_increasing"

// hasClass tells whether a platform knows a device class.
func hasClass(platform, class string) bool {
	if platform == "sensor" || platform == "number" {
		if _, numeric := unitsOf(class); numeric {
			return true
		}
	}
	return in(classes(platform), class)
}

// isNumeric tells whether a sensor of this class holds a number.
func isNumeric(class string) bool { return !in(classes("sensor"), class) }

// fits tells whether a unit belongs to a class of numbers. Any fits where the
// class is not known to have units of its own.
func fits(class, unit string) bool {
	units, known := unitsOf(class)
	return !known || units == "*" || slices.Contains(strings.Split(units, "|"), unit)
}

// unitsOf gives the units of a class of numbers: "*" for any, "" for none.
func unitsOf(class string) (units string, ok bool) {
	switch class {
	case "absolute_humidity":
		return "g/m³|mg/m³", true
	case "apparent_power":
		return "VA|kVA|mVA", true
	case "aqi", "ph":
		return "", true
	case "area":
		return "ac|cm²|ft²|ha|in²|km²|mi²|mm²|m²|yd²", true
	case "atmospheric_pressure", "pressure":
		return "Pa|atm|bar|cbar|hPa|inHg|inH₂O|kPa|mPa|mbar|mmHg|psi", true
	case "battery", "humidity", "moisture", "power_factor":
		return "%", true
	case "blood_glucose_concentration":
		return "mg/dL|mmol/L", true
	case "carbon_monoxide":
		return "mg/m³|ppb|ppm|μg/m³", true
	case "carbon_dioxide":
		return "ppm", true
	case "conductivity":
		return "S/cm|mS/cm|μS/cm", true
	case "current":
		return "A|mA|μA", true
	case "data_rate":
		return "B/s|GB/s|Gbit/s|GiB/s|KiB/s|MB/s|Mbit/s|MiB/s|bit/s|kB/s|kbit/s", true
	case "data_size":
		return "B|EB|EiB|GB|Gbit|GiB|KiB|MB|Mbit|MiB|PB|PiB|TB|TiB|YB|YiB|ZB|ZiB|bit|kB|kbit", true
	case "distance":
		return "cm|ft|in|km|m|mi|mm|nmi|yd", true
	case "duration":
		return "d|h|min|ms|s|μs", true
	case "energy", "energy_storage":
		return "GJ|GWh|Gcal|J|MJ|MWh|Mcal|TWh|Wh|cal|kJ|kWh|kcal|mWh|thm", true
	case "energy_distance":
		return "Wh/km|kWh/100km|km/kWh|mi/kWh", true
	case "frequency":
		return "GHz|Hz|MHz|kHz|mHz", true
	case "gas":
		return "CCF|L|MCF|ft³|m³", true
	case "illuminance":
		return "lx", true
	case "irradiance":
		return "BTU/(h⋅ft²)|W/m²", true
	case "monetary":
		return "*", true
	case "nitrogen_dioxide", "ozone":
		return "ppb|ppm|μg/m³", true
	case "nitrogen_monoxide", "sulphur_dioxide":
		return "ppb|μg/m³", true
	case "nitrous_oxide", "pm1", "pm10", "pm25", "pm4":
		return "μg/m³", true
	case "power":
		return "GW|MW|TW|W|kW|mW", true
	case "precipitation":
		return "cm|in|mm", true
	case "precipitation_intensity":
		return "in/d|in/h|mm/d|mm/h", true
	case "radon":
		return "Bq/m³|pCi/L", true
	case "reactive_energy":
		return "kvarh|varh", true
	case "reactive_power":
		return "kvar|mvar|var", true
	case "signal_strength":
		return "dB|dBm", true
	case "sound_pressure":
		return "dB|dBA", true
	case "speed":
		return "Beaufort|ft/s|in/d|in/h|in/s|km/h|kn|m/min|m/s|mm/d|mm/h|mm/s|mph", true
	case "temperature", "temperature_delta":
		return "K|°C|°F", true
	case "volatile_organic_compounds":
		return "mg/m³|μg/m³", true
	case "volatile_organic_compounds_parts":
		return "ppb|ppm", true
	case "voltage":
		return "MV|V|kV|mV|μV", true
	case "volume", "volume_storage":
		return "CCF|L|MCF|fl. oz.|ft³|gal|mL|m³", true
	case "volume_flow_rate":
		return "L/h|L/min|L/s|ft³/min|gal/d|gal/h|gal/min|mL/s|m³/h|m³/min|m³/s", true
	case "water":
		return "CCF|L|MCF|ft³|gal|m³", true
	case "weight":
		return "g|kg|lb|mg|oz|st|μg", true
	case "wind_direction":
		return "°", true
	case "wind_speed":
		return "Beaufort|ft/s|in/s|km/h|kn|m/min|m/s|mm/s|mph", true
	}
	return "", false
}
