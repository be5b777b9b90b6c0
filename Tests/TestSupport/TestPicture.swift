import CCairo

/// A PNG that the program wrote, decoded.
package struct TestPicture: Sendable {
    package let width: Int
    package let height: Int
    /// [height][width] 0x00RRGGBB.
    package let pixels: [[UInt32]]

    package init(_ path: String) throws {
        let surface = cairo_image_surface_create_from_png(path)
        defer { cairo_surface_destroy(surface) }
        guard cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS,
            let data = cairo_image_surface_get_data(surface)
        else { throw TestSupportError("\(path) is not a PNG") }
        let (width, height) = (
            Int(cairo_image_surface_get_width(surface)), Int(cairo_image_surface_get_height(surface))
        )
        let stride = Int(cairo_image_surface_get_stride(surface))
        self.width = width
        self.height = height
        pixels = (0..<height).map { row in
            (data + row * stride).withMemoryRebound(to: UInt32.self, capacity: width) { line in
                (0..<width).map { line[$0] & 0xFF_FFFF }
            }
        }
    }

    package var colours: Int { Set(pixels.joined()).count }
}
