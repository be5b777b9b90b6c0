/// Colours from dark to light whose lightness grows evenly: points of matplotlib's "magma" (CC0), and straight lines
/// between them.
enum ColourMap {
    private static let points: [(red: Float, green: Float, blue: Float)] = [
        (0x00, 0x00, 0x04), (0x18, 0x0F, 0x3D), (0x44, 0x0F, 0x76), (0x72, 0x1F, 0x81), (0x9E, 0x2F, 0x7F),
        (0xCD, 0x40, 0x71), (0xF1, 0x60, 0x5D), (0xFD, 0x96, 0x68), (0xFE, 0xCA, 0x8D), (0xFC, 0xFD, 0xBF),
    ]

    /// - Parameter share: 0 dark to 1 light; what lies outside is the nearest.
    /// - Returns: 0x00RRGGBB.
    static func colour(_ share: Float) -> UInt32 {
        let place = min(max(share, 0), 1) * Float(points.count - 1)
        let index = min(Int(place), points.count - 2)
        let (low, high, part) = (points[index], points[index + 1], place - Float(index))
        func mix(_ from: Float, _ to: Float) -> UInt32 { UInt32((from + (to - from) * part).rounded()) }
        return mix(low.red, high.red) << 16 | mix(low.green, high.green) << 8 | mix(low.blue, high.blue)
    }
}
