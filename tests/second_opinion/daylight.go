package main

import "math"

// daylight gives the parts of a window between sunrise + margin and sunset - margin of each day, in order.
func daylight(s *schema, window span, margin int64) (spans []span) {
	offset := s.offset * minuteMs
	first, last := floorDiv(window.from+offset, dayMs)-1, floorDiv(window.to-1+offset, dayMs)+1
	for day := first; day <= last; day++ {
		rise, set := sun(s, day)
		one := span{max(window.from, rise+margin), min(window.to, set-margin)}
		if len(spans) > 0 {
			one.from = max(one.from, spans[len(spans)-1].to)
		}
		if one.from < one.to {
			spans = append(spans, one)
		}
	}
	return spans
}

func floorDiv(number, by int64) int64 { return int64(math.Floor(float64(number) / float64(by))) }

// sun gives sunrise and sunset of a local day, counted from 1970, in milliseconds and cut to whole minutes.
func sun(s *schema, day int64) (int64, int64) {
	rise, risen := s.crossing(day, 1)
	set, sets := s.crossing(day, -1)
	if risen && sets {
		return rise, set
	}
	midnight := day*dayMs - s.offset*minuteMs
	if s.elevation(midnight+dayMs/2) > 0 {
		return midnight, midnight + dayMs
	}
	return midnight, midnight
}

func radians(degrees float64) float64 { return degrees * math.Pi / 180 }
func degrees(radians float64) float64 { return radians * 180 / math.Pi }

func (s *schema) place() (latitude, longitude float64) {
	latitude = float64(s.latitude) / 1e6
	return max(-89.8, min(89.8, latitude)), float64(s.longitude) / 1e6
}

// crossing is when the sun's upper edge crosses the horizon on a local day: direction 1 rising, -1 setting. What falls
// on the day before or after, by the zone's clock, is looked for once more on the other side.
func (s *schema) crossing(day, direction int64) (int64, bool) {
	found, ok := s.transit(day, direction)
	if !ok {
		return 0, false
	}
	local := floorDiv(found+s.offset*minuteMs, dayMs)
	if local == day {
		return found, true
	}
	if local < day {
		found, ok = s.transit(day+1, direction)
	} else {
		found, ok = s.transit(day-1, direction)
	}
	return found, ok && floorDiv(found+s.offset*minuteMs, dayMs) == day
}

func (s *schema) transit(day, direction int64) (int64, bool) {
	latitude, longitude := s.place()
	zenith := 90 + 32.0/120
	zenith += refraction(zenith)
	var minutes float64
	for range 2 {
		century := (float64(day) + 2440587.5 + minutes/1440 - 2451545) / 36525
		declination, equation := orbit(century)
		cosine := (math.Cos(radians(zenith)) - math.Sin(radians(latitude))*math.Sin(declination)) /
			(math.Cos(radians(latitude)) * math.Cos(declination))
		if cosine < -1 || cosine > 1 {
			return 0, false
		}
		offset := 4*(-longitude-float64(direction)*degrees(math.Acos(cosine))) - equation
		if offset < -720 {
			offset += 1440
		}
		minutes = 720 + offset
	}
	return day*dayMs + int64(math.Floor(minutes))*minuteMs, true
}

// elevation is the sun's height over the horizon in degrees.
func (s *schema) elevation(time int64) float64 {
	latitude, longitude := s.place()
	declination, equation := orbit((float64(time)/dayMs + 2440587.5 - 2451545) / 36525)
	minutes := math.Mod(float64(time)/minuteMs, 1440) + equation + 4*longitude
	hour := radians(minutes/4 - 180)
	high := math.Cos(radians(latitude))*math.Cos(declination)*math.Cos(hour) + math.Sin(radians(latitude))*math.Sin(declination)
	zenith := degrees(math.Acos(max(-1, min(1, high))))
	return 90 - zenith + refraction(zenith)
}

// orbit gives the sun's declination in radians and the equation of time in minutes (NOAA).
func orbit(century float64) (declination, equation float64) {
	t := century
	longitude := math.Mod(280.46646+t*(36000.76983+0.0003032*t), 360)
	if longitude < 0 {
		longitude += 360
	}
	anomaly := radians(357.52911 + t*(35999.05029-0.0001537*t))
	eccentricity := 0.016708634 - t*(0.000042037+0.0000001267*t)
	centre := math.Sin(anomaly)*(1.914602-t*(0.004817+0.000014*t)) +
		math.Sin(2*anomaly)*(0.019993-0.000101*t) + math.Sin(3*anomaly)*0.000289
	omega := radians(125.04 - 1934.136*t)
	apparent := radians(longitude + centre - 0.00569 - 0.00478*math.Sin(omega))
	seconds := 21.448 - t*(46.815+t*(0.00059-t*0.001813))
	oblique := radians(23 + (26+seconds/60)/60 + 0.00256*math.Cos(omega))
	declination = math.Asin(math.Sin(oblique) * math.Sin(apparent))
	y := math.Tan(oblique / 2)
	y *= y
	mean := radians(longitude)
	turn := y*math.Sin(2*mean) - 2*eccentricity*math.Sin(anomaly) +
		4*eccentricity*y*math.Sin(anomaly)*math.Cos(2*mean) -
		0.5*y*y*math.Sin(4*mean) - 1.25*eccentricity*eccentricity*math.Sin(2*anomaly)
	return declination, 4 * degrees(turn)
}

// refraction is by how many degrees the air lifts the sun.
func refraction(zenith float64) float64 {
	height := 90 - zenith
	tangent := math.Tan(radians(height))
	switch {
	case height >= 85:
		return 0
	case height > 5:
		return (58.1/tangent - 0.07/math.Pow(tangent, 3) + 0.000086/math.Pow(tangent, 5)) / 3600
	case height > -0.575:
		return (1735 + height*(-518.2+height*(103.4+height*(-12.79+height*0.711)))) / 3600
	}
	return -20.774 / tangent / 3600
}
