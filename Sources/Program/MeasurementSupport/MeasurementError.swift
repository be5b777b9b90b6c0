/// Why something cannot be measured.
package struct MeasurementError: Error, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}
